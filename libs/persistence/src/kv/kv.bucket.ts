import { checkedValue, ClipmeshError } from '@clipmesh/contracts';
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { type KV } from '@nats-io/kv';
import { type z } from 'zod';
import { AlreadyExistsError, ConflictError, type Versioned } from '../ports/versioned.port.js';
import { unavailable } from '../records/store.error.js';

/** Number of concurrent reads. */
const READ_BATCH = 32;

function isConflict(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}

/** A bucket of validated JSON records. Errors of the broker become `STORE_UNAVAILABLE`. */
export class KvBucket<T> {
  constructor(
    private readonly name: string,
    private readonly kv: KV,
    private readonly manager: JetStreamManager,
    private readonly schema: z.ZodType<T>,
  ) {}

  /** Throws {@link AlreadyExistsError}. */
  async create(key: string, value: T): Promise<Versioned<T>> {
    const checked = this.check(key, value);
    try {
      const revision = await this.kv.create(key, JSON.stringify(checked));
      return { value: checked, revision: String(revision) };
    } catch (cause) {
      if (isConflict(cause)) throw new AlreadyExistsError(`${this.name}: ${key} exists already`, { cause });
      throw this.unavailable(cause);
    }
  }

  async get(key: string): Promise<Versioned<T> | undefined> {
    const entry = await this.kv.get(key).catch((cause: unknown) => {
      throw this.unavailable(cause);
    });
    if (entry?.operation !== 'PUT') return undefined;
    return { value: this.decode(key, entry.string()), revision: String(entry.revision) };
  }

  /** Throws {@link ConflictError}. */
  async save(key: string, value: T, revision: string): Promise<Versioned<T>> {
    const checked = this.check(key, value);
    const expected = Number(revision);
    if (!Number.isSafeInteger(expected) || expected < 1) {
      throw new ConflictError(`${this.name}: ${key} never had revision ${revision}`);
    }
    try {
      const next = await this.kv.update(key, JSON.stringify(checked), expected);
      return { value: checked, revision: String(next) };
    } catch (cause) {
      if (isConflict(cause)) throw new ConflictError(`${this.name}: ${key} is past revision ${revision}`, { cause });
      throw this.unavailable(cause);
    }
  }

  /**
   * Removes this revision of a record. Throws {@link ConflictError}. Idempotent. Purges up to the revision, because a KV delete
   * would leave a marker in the bucket forever.
   */
  async remove(key: string, revision: string): Promise<void> {
    const upTo = Number(revision);
    if (!Number.isSafeInteger(upTo) || upTo < 1) {
      throw new ConflictError(`${this.name}: ${key} never had revision ${revision}`);
    }
    try {
      const { purged } = await this.manager.streams.purge(`KV_${this.name}`, {
        filter: `$KV.${this.name}.${key}`,
        seq: upTo + 1,
      });
      if (purged > 0) return;
    } catch (cause) {
      throw this.unavailable(cause);
    }
    if ((await this.get(key)) !== undefined)
      throw new ConflictError(`${this.name}: ${key} is past revision ${revision}`);
  }

  /** Removes all records whose key matches a filter, with their history. */
  async removeAll(filter: string): Promise<void> {
    try {
      await this.manager.streams.purge(`KV_${this.name}`, { filter: `$KV.${this.name}.${filter}` });
    } catch (cause) {
      throw this.unavailable(cause);
    }
  }

  /**
   * Keys that match a filter, unordered. Reads the stream state in one bounded request: the `keys()` of the client needs a
   * consumer and may wait forever if the connection breaks.
   */
  async keys(filter: string): Promise<string[]> {
    const prefix = `$KV.${this.name}.`;
    try {
      const info = await this.manager.streams.info(`KV_${this.name}`, { subjects_filter: `${prefix}${filter}` });
      return Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
    } catch (cause) {
      throw this.unavailable(cause);
    }
  }

  /** Latest revision in the bucket. */
  async latest(): Promise<number> {
    try {
      return (await this.manager.streams.info(`KV_${this.name}`)).state.last_seq;
    } catch (cause) {
      throw this.unavailable(cause);
    }
  }

  /** Keys that match a filter and whose last revision is in (`after`, `upTo`]. One request per key. */
  async changed(filter: string, after: number, upTo: number): Promise<string[]> {
    const prefix = `$KV.${this.name}.`;
    const keys: string[] = [];
    try {
      for (let seq = after + 1; seq <= upTo;) {
        const next = { seq, next_by_subj: `${prefix}${filter}` };
        const found = await this.manager.streams.getMessage(`KV_${this.name}`, next);
        if (found === null || found.seq > upTo) return keys;
        keys.push(found.subject.slice(prefix.length));
        seq = found.seq + 1;
      }
      return keys;
    } catch (cause) {
      throw this.unavailable(cause);
    }
  }

  /** The first `limit` records, in key order, for which `wanted` returns true. */
  async read(keys: readonly string[], limit: number, wanted: (value: T) => boolean = () => true): Promise<T[]> {
    const found: T[] = [];
    if (limit < 1) return found;
    for await (const { value } of this.each(keys, limit)) {
      if (wanted(value)) found.push(value);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Yields the records of keys in order, read in batches of {@link READ_BATCH}. `first`: maximum size of the first batch. */
  async *each(keys: readonly string[], first = READ_BATCH): AsyncGenerator<Versioned<T>> {
    for (let at = 0, size = Math.min(first, READ_BATCH); at < keys.length; at += size, size = READ_BATCH) {
      const batch = await Promise.all(keys.slice(at, at + size).map((key) => this.get(key)));
      for (const entry of batch) if (entry !== undefined) yield entry;
    }
  }

  /** The records of keys, in order. */
  async all(keys: readonly string[]): Promise<Versioned<T>[]> {
    const found: Versioned<T>[] = [];
    for await (const entry of this.each(keys)) found.push(entry);
    return found;
  }

  private decode(key: string, text: string): T {
    let raw: unknown;
    try {
      raw = JSON.parse(text);
    } catch (cause) {
      throw new ClipmeshError('SCHEMA_VIOLATION', `bucket ${this.name}, key ${key}: the record is not JSON`, { cause });
    }
    return this.check(key, raw);
  }

  private check(key: string, raw: unknown): T {
    return checkedValue(this.schema, raw, `bucket ${this.name}, key ${key}`, 'record');
  }

  private unavailable(cause: unknown): ClipmeshError {
    return unavailable(`bucket ${this.name}`, cause);
  }
}
