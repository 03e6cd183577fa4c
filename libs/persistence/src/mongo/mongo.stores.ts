import { checkedValue, GENERATION_ID, isFinal, GENERATION_STATUSES, type GenerationRecord } from '@clipmesh/contracts';
import { hashKey } from '../records/key.hash.js';
import { operation } from '../records/operation.span.js';
import { type AccountStore, SETTLED_LINES, type SettledLine } from '../ports/account.port.js';
import { type LedgerEntry, type LedgerStore, usageRowSchema } from '../ports/ledger.port.js';
import { type PurchaseStore } from '../ports/purchase.port.js';
import { type CacheStore } from '../ports/cache.port.js';
import { type GenerationStore } from '../ports/generation.port.js';
import { type IdempotencyStore } from '../ports/idempotency.port.js';
import { type OpenStores } from '../ports/stores.port.js';
import { type WebhookStore } from '../ports/webhook.port.js';
import { saveLarger } from '../records/settled.lines.js';
import { byKey, byTime } from '../records/key.order.js';
import { firstClaim } from '../records/first.claim.js';
import { ignoreConflict, isNew } from '../records/write.conflicts.js';
import { normalizeUsage } from '../records/usage.sums.js';
import {
  accountId,
  mongoCollections,
  settledId,
  recordId,
  type ClaimRecord,
  type MongoCollections,
} from './mongo.collections.js';
import { connectMongo, type MongoOptions } from './mongo.connection.js';
import { migrate } from './mongo.migrations.js';
import { type MongoRecords } from './mongo.records.js';

export interface MongoStoresOptions extends MongoOptions {
  /** Retention of idempotency claims, ms. */
  readonly claimRetentionMs: number;
}

/** Opens stores in MongoDB and runs pending migrations. Throws `STORE_UNAVAILABLE`. */
export async function openMongoStores(options: MongoStoresOptions): Promise<OpenStores> {
  const link = await connectMongo(options);
  const { connection } = link;
  try {
    const collections = mongoCollections(connection);
    await migrate(connection, collections);
    return {
      ...storesOf(collections, options.claimRetentionMs),
      close: () => link.close(),
    };
  } catch (error) {
    await link.close().catch(() => undefined);
    throw error;
  }
}

function storesOf(collections: MongoCollections, claimRetentionMs: number): Omit<OpenStores, 'close'> {
  return {
    generations: generationStore(collections.generations),
    ledger: ledgerStore(collections.ledger),
    purchases: purchaseStore(collections.purchases),
    idempotency: idempotencyStore(collections.claims, claimRetentionMs),
    accounts: accountStore(collections.accounts, collections.settled),
    cache: cacheStore(collections.cache),
    webhooks: webhookStore(collections.webhooks),
  };
}

/** Batch size of a scan, records. */
const SCAN_PAGE = 100;
const UNFINISHED = GENERATION_STATUSES.filter((status) => !isFinal(status));

function generationStore(records: MongoRecords<GenerationRecord>): GenerationStore {
  return {
    create: (record) => operation('generations.create', () => records.create(record)),
    get: (id) => operation('generations.get', async () => (GENERATION_ID.test(id) ? await records.get(id) : undefined)),
    save: (record, revision) => operation('generations.save', () => records.save(record, revision)),
    list: ({ owner, status, limit, after }) =>
      operation('generations.list', async () => {
        if (limit < 1) return [];
        const filter = {
          ...(owner === undefined ? {} : { owner }),
          ...(status === undefined ? {} : { status }),
          ...(after === undefined ? {} : { _id: { $lt: after } }),
        };
        return (await records.find(filter, { limit, sort: { _id: -1 } })).map(({ value }) => value);
      }),
    scan: async function* (before) {
      for (let after = before; ;) {
        const filter = after === undefined ? {} : { _id: { $lt: after } };
        const page = await operation('generations.scan', () =>
          records.find(filter, { limit: SCAN_PAGE, sort: { _id: -1 } }),
        );
        for (const { value } of page) yield value;
        if (page.length < SCAN_PAGE) return;
        after = page.at(-1)?.value.id;
      }
    },
    unfinished: () =>
      operation('generations.unfinished', async () =>
        (await records.find({ status: { $in: UNFINISHED } })).map(({ value }) => value),
      ),
    remove: (id) => operation('generations.remove', () => records.removeAll({ _id: id })),
  };
}

function ledgerStore(records: MongoRecords<LedgerEntry>): LedgerStore {
  return {
    append: (entry) => operation('ledger.append', () => isNew(records.create(entry))),
    entries: (generationId) =>
      operation('ledger.entries', async () =>
        (await records.find({ generationId })).map(({ value }) => value).sort(byKey),
      ),
    ofProvider: (provider) =>
      operation('ledger.ofProvider', async () =>
        (await records.find({ 'record.provider': provider })).map(({ value }) => value).sort(byTime),
      ),
    usage: (owner, fromDay, toDay) =>
      operation('ledger.usage', async () => {
        const sums = await records.guarded(
          records.model.aggregate<{ _id: object }>([
            // `~` sorts after every time of the last day.
            { $match: { owner, at: { $gte: fromDay, $lt: `${toDay}~` } } },
            {
              $group: {
                _id: { day: '$day', stage: '$stage', model: '$model', unit: '$unit' },
                count: { $sum: { $cond: [{ $eq: ['$record.kind', 'adjustment'] }, 0, 1] } },
                quantity: { $sum: '$quantity' },
                amountMicros: { $sum: '$amountMicros' },
              },
            },
          ]),
        );
        return normalizeUsage(
          sums.map(({ _id, ...sum }) =>
            checkedValue(usageRowSchema, { ..._id, ...sum }, 'a usage row of the collection ledger', 'record'),
          ),
        );
      }),
  };
}

function purchaseStore(records: MongoRecords<Parameters<PurchaseStore['create']>[0]>): PurchaseStore {
  return {
    list: (generationId) =>
      operation('attempts.list', async () =>
        (await records.find({ generationId })).sort((a, b) => byKey(a.value, b.value)),
      ),
    get: (generationId, key) => operation('attempts.get', () => records.get(recordId(generationId, key))),
    create: (purchase) => operation('attempts.create', () => records.create(purchase)),
    save: (purchase, revision) => operation('attempts.save', () => records.save(purchase, revision)),
    remove: (generationId) => operation('attempts.remove', () => records.removeAll({ generationId })),
  };
}

function accountStore(
  records: MongoRecords<Parameters<AccountStore['create']>[0]>,
  lines: MongoRecords<SettledLine>,
): AccountStore {
  return {
    settledLines: SETTLED_LINES,
    get: (owner, period) => operation('accounts.get', () => records.get(accountId(owner, period))),
    create: (account) => operation('accounts.create', () => records.create(account)),
    save: (account, revision) => operation('accounts.save', () => records.save(account, revision)),
    settled: (owner, period, id) =>
      operation('accounts.settled', async () => (await lines.get(settledId(owner, period, id)))?.value),
    saveSettled: (line) =>
      operation('accounts.keep_settled', () => {
        const id = settledId(line.owner, line.period, line.generationId);
        return saveLarger(
          {
            get: () => lines.get(id),
            create: (first) => lines.create(first),
            save: (next, revision) => lines.save(next, revision),
          },
          line,
        );
      }),
  };
}

function cacheStore(records: MongoRecords<Parameters<CacheStore['create']>[0]>): CacheStore {
  return {
    get: (key) => operation('cache.get', () => records.get(key)),
    create: (entry) => operation('cache.create', () => records.create(entry)),
    save: (entry, revision) => operation('cache.save', () => records.save(entry, revision)),
    remove: (key, revision) => operation('cache.remove', () => records.remove(key, revision)),
    all: () => operation('cache.all', () => records.find({})),
  };
}

function webhookStore(records: MongoRecords<Parameters<WebhookStore['create']>[0]>): WebhookStore {
  return {
    get: (owner) => operation('webhooks.get', () => records.get(hashKey(owner))),
    create: (value) => operation('webhooks.create', () => records.create(value)),
    save: (value, revision) => operation('webhooks.save', () => records.save(value, revision)),
  };
}

function idempotencyStore(records: MongoRecords<ClaimRecord>, retentionMs: number): IdempotencyStore {
  return {
    claim: (key, fingerprint, generationId) =>
      operation('idempotency.claim', () => {
        const id = hashKey(key);
        return firstClaim(
          id,
          {
            create: (claim) => {
              const now = Date.now();
              // MongoDB removes expired claims once a minute. Until then, an expired claim is replaced.
              return records.replaceOrCreate(
                { id, ...claim },
                { expiresAt: { $lte: new Date(now) } },
                { expiresAt: new Date(now + retentionMs) },
              );
            },
            get: async () => (await records.get(id))?.value,
          },
          { fingerprint, generationId },
        );
      }),
    peek: (key) =>
      operation('idempotency.peek', async () => {
        const found = await records.get(hashKey(key));
        return found && { fingerprint: found.value.fingerprint, generationId: found.value.generationId };
      }),
    release: (key, generationId) =>
      operation('idempotency.release', async () => {
        const id = hashKey(key);
        const found = await records.get(id);
        // Claims never change: the revision that was read is removed, or it is gone already.
        if (found?.value.generationId === generationId) await records.remove(id, found.revision).catch(ignoreConflict);
      }),
  };
}
