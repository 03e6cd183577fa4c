import {
  ClipmeshError,
  GENERATION_ID,
  generationIdSchema,
  generationRecordSchema,
  isFinal,
  type GenerationRecord,
} from '@clipmesh/contracts';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { operation } from '../operation.span.js';
import {
  accountSchema,
  AlreadyExistsError,
  purchaseSchema,
  cacheEntrySchema,
  ledgerEntrySchema,
  SETTLED_LINES,
  settledLineSchema,
  type SettledLine,
  type Account,
  type AccountStore,
  type CacheEntry,
  type CacheStore,
  type Purchase,
  type PurchaseStore,
  type GenerationStore,
  type IdempotencyStore,
  type LedgerEntry,
  type LedgerStore,
  type Stores,
  type UsageRow,
  type WebhookRegistrations,
  webhookRegistrationsSchema,
  type WebhookStore,
} from '../ports.js';
import { daysBetween, sumUsage } from '../usage.sums.js';
import { hashKey } from '../key.hash.js';
import { saveLarger } from '../settled.lines.js';
import { ignoreConflict } from '../moved.on.js';
import { KvBucket } from './kv.bucket.js';
import { createOrOpen } from './make.once.js';
import { indexEntrySchema, OwnerIndex } from './owner.index.js';

const claimSchema = z.object({ fingerprint: z.string(), generationId: generationIdSchema });
type Claim = z.infer<typeof claimSchema>;

export interface KvStoresOptions {
  /** Copies of each bucket in a cluster; 1 unless told. */
  replicas?: number;
  /** Claims of idempotency keys are forgotten after this time, ms; 30 days unless told. */
  claimRetentionMs?: number;
  /** `clipmesh` unless told; buckets are `<prefix>_generations` and so on. */
  bucketPrefix?: string;
}

const CLAIM_RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

/** Stores in JetStream KV buckets; a bucket that is not there is made. Throws `STORE_UNAVAILABLE`. */
export async function openKvStores(connection: NatsConnection, options: KvStoresOptions = {}): Promise<Stores> {
  const { replicas = 1, bucketPrefix = 'clipmesh', claimRetentionMs = CLAIM_RETENTION_MS } = options;
  try {
    const manager = await jetstreamManager(connection);
    const kvm = new Kvm(connection);
    const open = async <T>(noun: string, schema: z.ZodType<T>, ttl = 0): Promise<KvBucket<T>> => {
      const name = `${bucketPrefix}_${noun}`;
      // Reads go to the leader: a direct read may lag behind a write just acknowledged.
      const kv = await createOrOpen(() => kvm.create(name, { replicas, history: 1, allow_direct: false, ttl }));
      await keepFor(manager, `KV_${name}`, ttl);
      return new KvBucket(name, kv, manager, schema);
    };
    const generations = await open('generations', generationRecordSchema);
    return {
      generations: generationStore(generations, new OwnerIndex(await open('owners', indexEntrySchema), generations)),
      ledger: ledgerStore(await open('ledger', ledgerEntrySchema), await open('usage', ledgerEntrySchema)),
      purchases: attemptStore(await open('attempts', purchaseSchema)),
      idempotency: idempotencyStore(await open('idempotency', claimSchema, claimRetentionMs)),
      accounts: accountStore(await open('accounts', accountSchema), await open('settled', settledLineSchema)),
      cache: cacheStore(await open('cache', cacheEntrySchema)),
      webhooks: webhookStore(await open('webhooks', webhookRegistrationsSchema)),
    };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new ClipmeshError('STORE_UNAVAILABLE', `the buckets of ${bucketPrefix} could not be opened: ${detail}`, {
      cause,
    });
  }
}

/** Of a bucket that is there already, the client leaves the time as it was. 0: for ever. */
async function keepFor(manager: JetStreamManager, stream: string, ttlMs: number): Promise<void> {
  const { config } = await manager.streams.info(stream);
  const maxAge = nanos(ttlMs);
  if (config.max_age === maxAge) return;
  // The window in which a message is known again may not outlast the message.
  await manager.streams.update(stream, {
    ...config,
    max_age: maxAge,
    ...(maxAge > 0 && config.duplicate_window > maxAge ? { duplicate_window: maxAge } : {}),
  });
}

/** Descending: newest first. */
const newestFirst = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0);

function generationStore(bucket: KvBucket<GenerationRecord>, owners: OwnerIndex): GenerationStore {
  /** Ids that were final when they were read last, so that they need not be read again until they change. */
  const closed = new Set<string>();
  /** Changes up to this revision are in `closed`. */
  let looked = 0;
  return {
    unfinished: () =>
      operation('generations.unfinished', async () => {
        const latest = await bucket.latest();
        if (closed.size > 0) for (const id of await bucket.changed('*', looked, latest)) closed.delete(id);
        looked = latest;
        const keys = (await bucket.keys('*')).filter((id) => !closed.has(id));
        const records = await bucket.read(keys, Infinity);
        // Another look in between may have been told of a change that this one has not read.
        if (looked === latest) for (const { id, state } of records) if (isFinal(state.status)) closed.add(id);
        return records.filter(({ state }) => !isFinal(state.status));
      }),
    create: (record) =>
      operation('generations.create', async () => {
        await owners.add(record.owner, keyOf(record.id));
        return bucket.create(keyOf(record.id), record);
      }),
    get: (id) => operation('generations.get', async () => (GENERATION_ID.test(id) ? await bucket.get(id) : undefined)),
    save: (record, revision) => operation('generations.save', () => bucket.save(keyOf(record.id), record, revision)),
    list: ({ owner, status, limit, after }) =>
      operation('generations.list', async () => {
        const ids = await (owner === undefined ? bucket.keys('*') : owners.ids(owner));
        return bucket.read(
          ids.filter((id) => after === undefined || id < after).sort(newestFirst),
          limit,
          (record) =>
            (owner === undefined || record.owner === owner) && (status === undefined || record.state.status === status),
        );
      }),
    scan: async function* (before) {
      const ids = await operation('generations.scan', () => bucket.keys('*'));
      const keys = ids.filter((id) => before === undefined || id < before).sort(newestFirst);
      for await (const { value } of bucket.each(keys)) yield value;
    },
    remove: (id) =>
      operation('generations.remove', async () => {
        await owners.remove(keyOf(id));
        await bucket.removeAll(keyOf(id));
      }),
  };
}

/** The id as a key: hashed when it is no generation id, so that the schema's refusal is what the caller sees. */
function keyOf(id: string): string {
  return GENERATION_ID.test(id) ? id : hashKey(id);
}

/**
 * `byGeneration` decides what is booked; `byDay` has the same entries under owner and day, for `usage`. The second is
 * written from what the first holds, whether or not this call has booked it: a crash in between is mended by the repeat.
 */
function ledgerStore(bucket: KvBucket<LedgerEntry>, byDay: KvBucket<LedgerEntry>): LedgerStore {
  return {
    append: (entry) =>
      operation('ledger.append', async () => {
        const key = `${keyOf(entry.generationId)}.${hashKey(entry.key)}`;
        const booked = await createOnce(bucket, key, entry);
        const { value } = booked ? { value: entry } : ((await bucket.get(key)) ?? { value: entry });
        await createOnce(byDay, `${hashKey(value.owner)}.${value.at.slice(0, 10)}.${key}`, value);
        return booked;
      }),
    usage: (owner, fromDay, toDay) =>
      operation('ledger.usage', async () => {
        const rows: UsageRow[] = [];
        // Day by day: neither days outside the range nor more than a day's entries at once are read.
        for (const day of daysBetween(fromDay, toDay)) {
          const keys = await byDay.keys(`${hashKey(owner)}.${day}.*.*`);
          rows.push(...sumUsage(await byDay.read(keys, Infinity), owner, day, day));
        }
        return rows;
      }),
    entries: (generationId) =>
      operation('ledger.entries', async () => {
        if (!GENERATION_ID.test(generationId)) return [];
        const entries = await bucket.read(await bucket.keys(`${generationId}.*`), Infinity);
        return entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      }),
  };
}

/** False when the key is taken. */
async function createOnce<T>(bucket: KvBucket<T>, key: string, value: T): Promise<boolean> {
  try {
    await bucket.create(key, value);
    return true;
  } catch (error) {
    if (error instanceof AlreadyExistsError) return false;
    throw error;
  }
}

function attemptStore(bucket: KvBucket<Purchase>): PurchaseStore {
  const at = (generationId: string, key: string): string => `${keyOf(generationId)}.${hashKey(key)}`;
  return {
    list: (generationId) =>
      operation('attempts.list', async () => {
        const found = await bucket.all(await bucket.keys(`${keyOf(generationId)}.*`));
        return found.sort((a, b) => (a.value.key < b.value.key ? -1 : a.value.key > b.value.key ? 1 : 0));
      }),
    get: (generationId, key) => operation('attempts.get', () => bucket.get(at(generationId, key))),
    create: (attempt) =>
      operation('attempts.create', () => bucket.create(at(attempt.generationId, attempt.key), attempt)),
    save: (attempt, revision) =>
      operation('attempts.save', () => bucket.save(at(attempt.generationId, attempt.key), attempt, revision)),
    remove: (generationId) => operation('attempts.remove', () => bucket.removeAll(`${keyOf(generationId)}.*`)),
  };
}

function accountStore(bucket: KvBucket<Account>, lines: KvBucket<SettledLine>): AccountStore {
  // A period that is none is hashed, so that the schema's refusal is what the caller sees.
  const at = (owner: string, period: string): string =>
    `${hashKey(owner)}.${accountSchema.shape.period.safeParse(period).success ? period : hashKey(period)}`;
  const lineAt = (owner: string, period: string, id: string): string => `${at(owner, period)}.${keyOf(id)}`;
  return {
    settledLines: SETTLED_LINES,
    get: (owner, period) => operation('accounts.get', () => bucket.get(at(owner, period))),
    create: (account) => operation('accounts.create', () => bucket.create(at(account.owner, account.period), account)),
    save: (account, revision) =>
      operation('accounts.save', () => bucket.save(at(account.owner, account.period), account, revision)),
    settled: (owner, period, id) =>
      operation('accounts.settled', async () => (await lines.get(lineAt(owner, period, id)))?.value),
    saveSettled: (line) =>
      operation('accounts.keep_settled', () => {
        const key = lineAt(line.owner, line.period, line.generationId);
        return saveLarger(
          {
            get: () => lines.get(key),
            create: (first) => lines.create(key, first),
            save: (next, revision) => lines.save(key, next, revision),
          },
          line,
        );
      }),
  };
}

function webhookStore(bucket: KvBucket<WebhookRegistrations>): WebhookStore {
  return {
    get: (owner) => operation('webhooks.get', () => bucket.get(hashKey(owner))),
    create: (book) => operation('webhooks.create', () => bucket.create(hashKey(book.owner), book)),
    save: (book, revision) => operation('webhooks.save', () => bucket.save(hashKey(book.owner), book, revision)),
  };
}

/** Hashed when it is no key of the cache, as an id is. */
const cacheKey = (key: string): string => (cacheEntrySchema.shape.key.safeParse(key).success ? key : hashKey(key));

function cacheStore(bucket: KvBucket<CacheEntry>): CacheStore {
  return {
    get: (key) => operation('cache.get', () => bucket.get(cacheKey(key))),
    create: (entry) => operation('cache.create', () => bucket.create(cacheKey(entry.key), entry)),
    save: (entry, revision) => operation('cache.save', () => bucket.save(cacheKey(entry.key), entry, revision)),
    remove: (key, revision) => operation('cache.remove', () => bucket.remove(cacheKey(key), revision)),
    all: () =>
      operation('cache.all', async () => {
        return bucket.all(await bucket.keys('*'));
      }),
  };
}

/** Looks at one claim that keeps coming and going. */
const CLAIM_TURNS = 5;

function idempotencyStore(bucket: KvBucket<Claim>): IdempotencyStore {
  return {
    claim: (key, fingerprint, generationId) =>
      operation('idempotency.claim', async () => {
        const hashed = hashKey(key);
        for (let turn = 1; ; turn += 1) {
          if (await createOnce(bucket, hashed, { fingerprint, generationId }))
            return { fingerprint, generationId, fresh: true };
          const first = await bucket.get(hashed);
          if (first !== undefined) return { ...first.value, fresh: false };
          // It expired between the two looks.
          if (turn === CLAIM_TURNS)
            throw new ClipmeshError('STORE_UNAVAILABLE', `a claim vanished ${turn} times while it was read`);
        }
      }),
    peek: (key) => operation('idempotency.peek', async () => (await bucket.get(hashKey(key)))?.value),
    release: (key, generationId) =>
      operation('idempotency.release', async () => {
        const hashed = hashKey(key);
        const found = await bucket.get(hashed);
        // A claim is never changed: the revision that names this generation is the one that goes, or it is gone.
        if (found?.value.generationId === generationId)
          await bucket.remove(hashed, found.revision).catch(ignoreConflict);
      }),
  };
}
