import { type GenerationRecord } from '@clipmesh/contracts';
import { z } from 'zod';
import { hashKey } from '../records/key.hash.js';
import { isNew } from '../records/write.conflicts.js';
import { type KvBucket } from './kv.bucket.js';

/** Entries are empty; the key contains owner and id. */
export const indexEntrySchema = z.object({});

/**
 * Index of generation ids by owner, so that a list reads only the records of its owner. An entry is written before its record
 * and removed before it, so every stored record has an entry. Readers skip entries without a record.
 */
export class OwnerIndex {
  private filled: Promise<void> | undefined;

  constructor(
    private readonly bucket: KvBucket<object>,
    private readonly records: KvBucket<GenerationRecord>,
  ) {}

  /** Throws `STORE_UNAVAILABLE`. */
  async add(owner: string, id: string): Promise<void> {
    await isNew(this.bucket.create(`${hashKey(owner)}.${id}`, {}));
  }

  async remove(id: string): Promise<void> {
    await this.bucket.removeAll(`*.${id}`);
  }

  /** Unordered. */
  async ids(owner: string): Promise<string[]> {
    await this.fill();
    const prefix = `${hashKey(owner)}.`;
    return (await this.bucket.keys(`${prefix}*`)).map((key) => key.slice(prefix.length));
  }

  /** Once per process: adds records that were written by a version without this index. */
  private fill(): Promise<void> {
    this.filled ??= this.addMissing().catch((error: unknown) => {
      this.filled = undefined;
      throw error;
    });
    return this.filled;
  }

  private async addMissing(): Promise<void> {
    const ids = await this.records.keys('*');
    const known = new Set((await this.bucket.keys('*.*')).map((key) => key.split('.')[1]));
    const missing = ids.filter((id) => !known.has(id));
    for await (const { value } of this.records.each(missing)) await this.add(value.owner, value.id);
  }
}
