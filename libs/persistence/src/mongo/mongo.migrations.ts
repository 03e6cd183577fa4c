import { type Connection } from 'mongoose';
import { type MongoCollections } from './mongo.collections.js';
import { isDuplicate, storeError } from './mongo.faults.js';

export interface Migration {
  /** Never changed once it was released. */
  readonly id: string;
  /** Changes nothing when it has been run already, wholly or in part, or runs elsewhere at the same time: no lock is held. */
  readonly run: (collections: MongoCollections) => Promise<void>;
}

/** In the order in which they run; a new one goes to the end. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '0001-indexes',
    run: async (collections: MongoCollections): Promise<void> => {
      for (const { model } of Object.values(collections))
        await (model as { createIndexes(): Promise<void> }).createIndexes();
    },
  },
];

interface Applied {
  _id: string;
  at: Date;
}

/**
 * Runs what has not been run on this database, and notes each in the collection `migrations` when it is through: one that
 * is cut off runs again at the next start. Answers the ids of those that it has run.
 */
export async function migrate(
  connection: Connection,
  collections: MongoCollections,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<string[]> {
  const notes = connection.collection<Applied>('migrations');
  const run: string[] = [];
  try {
    const applied = new Set((await notes.find().toArray()).map(({ _id }) => _id));
    for (const { id, run: apply } of migrations) {
      if (applied.has(id)) continue;
      await apply(collections);
      run.push(id);
      try {
        await notes.insertOne({ _id: id, at: new Date() });
      } catch (error) {
        // Another replica was through first.
        if (!isDuplicate(error)) throw error;
      }
    }
    return run;
  } catch (error) {
    throw storeError('migrations', error);
  }
}
