import { createOrOpen, GENERATION_ID, generationIdSchema, isFinal, type GenerationRecord } from '@clipmesh/contracts';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { operation } from '../records/operation.span.js';
import {
  type Account,
  accountSchema,
  type AccountStore,
  SETTLED_LINES,
  type SettledLine,
  settledLineSchema,
} from '../ports/account.port.js';
import { type Purchase, purchaseSchema, type PurchaseStore } from '../ports/purchase.port.js';
import { type CacheEntry, cacheEntrySchema, type CacheStore } from '../ports/cache.port.js';
import { type LedgerEntry, ledgerEntrySchema, type LedgerStore, type UsageRow } from '../ports/ledger.port.js';
import { type GenerationStore } from '../ports/generation.port.js';
import { type IdempotencyStore } from '../ports/idempotency.port.js';
import { type Stores } from '../ports/stores.port.js';
import { type WebhookRegistrations, webhookRegistrationsSchema, type WebhookStore } from '../ports/webhook.port.js';
import { daysBetween, sumUsage } from '../records/usage.sums.js';
import { hashKey } from '../records/key.hash.js';
import { saveLarger } from '../records/settled.lines.js';
import { storedGenerationSchema } from '../records/stored.generation.js';
import { byKey, byTime } from '../records/key.order.js';
import { firstClaim } from '../records/first.claim.js';
import { unavailable } from '../records/store.error.js';
import { ignoreConflict, isNew } from '../records/write.conflicts.js';
import { KvBucket } from './kv.bucket.js';
import { indexEntrySchema, OwnerIndex } from './owner.index.js';

const claimSchema = z.object({ fingerprint: z.string(), generationId: generationIdSchema });
type Claim = z.infer<typeof claimSchema>;

export interface KvStoresOptions {
  /** Replicas of each bucket. Default: 1. */
  replicas?: number;
  /** Retention of idempotency claims, ms. Default: 30 days. */
  claimRetentionMs?: number;
  /** Prefix of bucket names: `<prefix>_generations`, … Default: `clipmesh`. */
  bucketPrefix?: string;
}

const CLAIM_RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

/** Opens stores in JetStream KV buckets, and creates missing buckets. Throws `STORE_UNAVAILABLE`. */
export async function openKvStores(connection: NatsConnection, options: KvStoresOptions = {}): Promise<Stores> {
  const { replicas = 1, bucketPrefix = 'clipmesh', claimRetentionMs = CLAIM_RETENTION_MS } = options;
  try {
    const manager = await jetstreamManager(connection);
    const kvm = new Kvm(connection);
    const open = async <T>(noun: string, schema: z.ZodType<T>, ttl = 0): Promise<KvBucket<T>> => {
      const name = `${bucketPrefix}_${noun}`;
      // Reads go to the leader: a direct read may miss a write that was just acked.
      const kv = await createOrOpen(() => kvm.create(name, { replicas, history: 1, allow_direct: false, ttl }));
      await setMaxAge(manager, `KV_${name}`, ttl);
      return new KvBucket(name, kv, manager, schema);
    };
    const generations = await open('generations', storedGenerationSchema);
    return {
      generations: generationStore(generations, new OwnerIndex(await open('owners', indexEntrySchema), generations)),
      ledger: ledgerStore(await open('ledger', ledgerEntrySchema), await open('usage', ledgerEntrySchema)),
      purchases: purchaseStore(await open('attempts', purchaseSchema)),
      idempotency: idempotencyStore(await open('idempotency', claimSchema, claimRetentionMs)),
      accounts: accountStore(await open('accounts', accountSchema), await open('settled', settledLineSchema)),
      cache: cacheStore(await open('cache', cacheEntrySchema)),
      webhooks: webhookStore(await open('webhooks', webhookRegistrationsSchema)),
    };
  } catch (cause) {
    throw unavailable(`the buckets of ${bucketPrefix} could not be opened`, cause);
  }
}

/** Updates the maximum age of an existing bucket, which the client does not do. 0: unlimited. */
async function setMaxAge(manager: JetStreamManager, stream: string, ttlMs: number): Promise<void> {
  const { config } = await manager.streams.info(stream);
  const maxAge = nanos(ttlMs);
  if (config.max_age === maxAge) return;
  // The broker requires a duplicate window of at most the maximum age.
  await manager.streams.update(stream, {
    ...config,
    max_age: maxAge,
    ...(maxAge > 0 && config.duplicate_window > maxAge ? { duplicate_window: maxAge } : {}),
  });
}

/** Sorts ids newest first. */
const newestFirst = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0);

function generationStore(bucket: KvBucket<GenerationRecord>, owners: OwnerIndex): GenerationStore {
  /** Ids with a final status at their last read. They are not read again until they change. */
  const closed = new Set<string>();
  /** `closed` includes the changes up to this revision. */
  let seenRevision = 0;
  return {
    unfinished: () =>
      operation('generations.unfinished', async () => {
        const latest = await bucket.latest();
        if (closed.size > 0) for (const id of await bucket.changed('*', seenRevision, latest)) closed.delete(id);
        seenRevision = latest;
        const keys = (await bucket.keys('*')).filter((id) => !closed.has(id));
        const records = await bucket.read(keys, Infinity);
        // A concurrent call may have seen a change that this one has not read.
        if (seenRevision === latest) for (const { id, state } of records) if (isFinal(state.status)) closed.add(id);
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

/** Key of an id. Hashes an invalid id, so that the caller gets the schema error. */
function keyOf(id: string): string {
  return GENERATION_ID.test(id) ? id : hashKey(id);
}

/**
 * `bucket` decides whether an entry is new. `byDay` has the same entries by owner and day, for `usage`. It is written from the
 * stored entry on every call, so that a repeat repairs a crash between the two writes.
 */
function ledgerStore(bucket: KvBucket<LedgerEntry>, byDay: KvBucket<LedgerEntry>): LedgerStore {
  return {
    append: (entry) =>
      operation('ledger.append', async () => {
        const key = `${keyOf(entry.generationId)}.${hashKey(entry.key)}`;
        const appended = await isNew(bucket.create(key, entry));
        const { value } = appended ? { value: entry } : ((await bucket.get(key)) ?? { value: entry });
        await isNew(byDay.create(`${hashKey(value.owner)}.${value.at.slice(0, 10)}.${key}`, value));
        return appended;
      }),
    usage: (owner, fromDay, toDay) =>
      operation('ledger.usage', async () => {
        const rows: UsageRow[] = [];
        // Day by day, to read only days in the range and at most one day's entries at once.
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
        return entries.sort(byKey);
      }),
    ofProvider: (provider) =>
      operation('ledger.ofProvider', async () => {
        const keys = await bucket.keys('*.*');
        return (await bucket.read(keys, Infinity, (entry) => entry.provider === provider)).sort(byTime);
      }),
  };
}

function purchaseStore(bucket: KvBucket<Purchase>): PurchaseStore {
  const at = (generationId: string, key: string): string => `${keyOf(generationId)}.${hashKey(key)}`;
  return {
    list: (generationId) =>
      operation('attempts.list', async () => {
        const found = await bucket.all(await bucket.keys(`${keyOf(generationId)}.*`));
        return found.sort((a, b) => byKey(a.value, b.value));
      }),
    get: (generationId, key) => operation('attempts.get', () => bucket.get(at(generationId, key))),
    create: (purchase) =>
      operation('attempts.create', () => bucket.create(at(purchase.generationId, purchase.key), purchase)),
    save: (purchase, revision) =>
      operation('attempts.save', () => bucket.save(at(purchase.generationId, purchase.key), purchase, revision)),
    remove: (generationId) => operation('attempts.remove', () => bucket.removeAll(`${keyOf(generationId)}.*`)),
  };
}

function accountStore(bucket: KvBucket<Account>, lines: KvBucket<SettledLine>): AccountStore {
  // Hashes an invalid period, so that the caller gets the schema error.
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
    create: (value) => operation('webhooks.create', () => bucket.create(hashKey(value.owner), value)),
    save: (value, revision) => operation('webhooks.save', () => bucket.save(hashKey(value.owner), value, revision)),
  };
}

/** Hashes an invalid key, so that the caller gets the schema error. */
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

function idempotencyStore(bucket: KvBucket<Claim>): IdempotencyStore {
  return {
    claim: (key, fingerprint, generationId) =>
      operation('idempotency.claim', async () => {
        const hashed = hashKey(key);
        return firstClaim(
          hashed,
          {
            create: (claim) => bucket.create(hashed, claim),
            get: async () => (await bucket.get(hashed))?.value,
          },
          { fingerprint, generationId },
        );
      }),
    peek: (key) => operation('idempotency.peek', async () => (await bucket.get(hashKey(key)))?.value),
    release: (key, generationId) =>
      operation('idempotency.release', async () => {
        const hashed = hashKey(key);
        const found = await bucket.get(hashed);
        // Claims never change: the revision that was read is removed, or it is gone already.
        if (found?.value.generationId === generationId)
          await bucket.remove(hashed, found.revision).catch(ignoreConflict);
      }),
  };
}
