import { type GenerationRecord } from '@clipmesh/contracts';
import { z } from 'zod';
import { AlreadyExistsError } from '../ports.js';
import { hashKey } from '../key.hash.js';
import { type KvBucket } from './kv.bucket.js';

/** The key says everything. */
export const indexEntrySchema = z.object({});

/**
 * The ids of each owner's generations, so that a list reads only these. An entry is written before its record, and removed
 * before it: one without a record is passed over, and no record that stays is without one.
 */
export class OwnerIndex {
  private filled: Promise<void> | undefined;

  constructor(
    private readonly bucket: KvBucket<object>,
    private readonly records: KvBucket<GenerationRecord>,
  ) {}

  /** Throws `STORE_UNAVAILABLE`. */
  async add(owner: string, id: string): Promise<void> {
    try {
      await this.bucket.create(`${hashKey(owner)}.${id}`, {});
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await this.bucket.removeAll(`*.${id}`);
  }

  /** In no order. */
  async ids(owner: string): Promise<string[]> {
    await this.fill();
    const prefix = `${hashKey(owner)}.`;
    return (await this.bucket.keys(`${prefix}*`)).map((key) => key.slice(prefix.length));
  }

  /** Once for each process: adds the records that a version without this index has written. */
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
