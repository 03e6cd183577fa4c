import { createHash } from 'node:crypto';
import { ClipmeshError } from '@clipmesh/contracts';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { type KV, type KvEntry, type Kvm } from '@nats-io/kv';
import { type z } from 'zod';
import { AlreadyExistsError, ConflictError } from '../errors.js';
import { type Versioned } from '../ports.js';

/** Longest time one walk over keys or entries may take, ms. Single reads and writes are bounded by the client. */
const WALK_MS = 30_000;
const REVISION = /^[1-9]\d{0,15}$/;

/** A key of any characters as one that a bucket accepts. */
export function hashedKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function isWrongSequence(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}

function unavailable(what: string, cause: unknown): ClipmeshError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ClipmeshError('STORE_UNAVAILABLE', `${what}: ${reason}`, { cause });
}

/** One bucket of values of one schema: what is read is checked, and every failure has a name of ours. */
export class CheckedBucket<T> {
  private constructor(
    private readonly kv: KV,
    private readonly name: string,
    private readonly schema: z.ZodType<T>,
  ) {}

  static async open<T>(kvm: Kvm, name: string, schema: z.ZodType<T>, replicas: number): Promise<CheckedBucket<T>> {
    try {
      // Direct reads may be answered by a replica that lags behind; a decision must see the last write.
      const kv = await kvm.create(name, { history: 1, replicas, allow_direct: false });
      return new CheckedBucket(kv, name, schema);
    } catch (cause) {
      throw unavailable(`bucket ${name} could not be opened`, cause);
    }
  }

  async create(key: string, value: T): Promise<Versioned<T>> {
    try {
      return { value, revision: String(await this.kv.create(key, JSON.stringify(value))) };
    } catch (cause) {
      if (isWrongSequence(cause)) throw new AlreadyExistsError(`${this.name} ${key}`, { cause });
      throw unavailable(`${this.name} ${key} could not be created`, cause);
    }
  }

  async update(key: string, value: T, revision: string): Promise<Versioned<T>> {
    if (!REVISION.test(revision)) throw new ConflictError(`${this.name} ${key}`);
    try {
      return { value, revision: String(await this.kv.update(key, JSON.stringify(value), Number(revision))) };
    } catch (cause) {
      if (isWrongSequence(cause)) throw new ConflictError(`${this.name} ${key}`, { cause });
      throw unavailable(`${this.name} ${key} could not be saved`, cause);
    }
  }

  async get(key: string): Promise<Versioned<T> | undefined> {
    let entry: KvEntry | null;
    try {
      entry = await this.kv.get(key);
    } catch (cause) {
      throw unavailable(`${this.name} ${key} could not be read`, cause);
    }
    if (entry?.operation !== 'PUT') return undefined;
    return { value: this.parse(entry), revision: String(entry.revision) };
  }

  keys(): Promise<string[]> {
    return this.walk(() => this.kv.keys());
  }

  /** The values of all keys that the filter matches, in the order in which they were written. */
  async values(filter: string): Promise<T[]> {
    const entries = await this.walk(() => this.kv.history({ key: filter }));
    return entries.filter(({ operation }) => operation === 'PUT').map((entry) => this.parse(entry));
  }

  private async walk<I>(start: () => Promise<AsyncIterable<I> & { stop(error?: Error): void }>): Promise<I[]> {
    const found: I[] = [];
    let timer: NodeJS.Timeout | undefined;
    try {
      const items = await start();
      timer = setTimeout(() => {
        items.stop(new Error(`no end within ${WALK_MS / 1000} s`));
      }, WALK_MS);
      for await (const item of items) found.push(item);
      return found;
    } catch (cause) {
      throw unavailable(`${this.name} could not be listed`, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  private parse(entry: KvEntry): T {
    try {
      return this.schema.parse(JSON.parse(entry.string()));
    } catch (cause) {
      throw new ClipmeshError('SCHEMA_VIOLATION', `${this.name} ${entry.key} does not match its schema`, { cause });
    }
  }
}
