import { type Connection } from 'mongoose';
import { type MongoCollections } from './mongo.collections.js';
import { isDuplicate, storeError } from './mongo.errors.js';

export interface Migration {
  /** Must not change after release. */
  readonly id: string;
  /** Must be idempotent, also after a partial run and when it runs concurrently: no lock is held. */
  readonly run: (collections: MongoCollections) => Promise<void>;
}

/** In order of execution. Append new ones. */
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
 * Runs the pending migrations, and records each in the collection `migrations` when it completes. An interrupted one runs again
 * at the next start. Returns the ids of the migrations that ran.
 */
export async function migrate(
  connection: Connection,
  collections: MongoCollections,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<string[]> {
  const applied = connection.collection<Applied>('migrations');
  const run: string[] = [];
  try {
    const known = new Set((await applied.find().toArray()).map(({ _id }) => _id));
    for (const { id, run: apply } of migrations) {
      if (known.has(id)) continue;
      await apply(collections);
      run.push(id);
      try {
        await applied.insertOne({ _id: id, at: new Date() });
      } catch (error) {
        // Another replica completed it first.
        if (!isDuplicate(error)) throw error;
      }
    }
    return run;
  } catch (error) {
    throw storeError('migrations', error);
  }
}
