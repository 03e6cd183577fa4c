import { type GenerationRecord, isFinal } from '@clipmesh/contracts';
import {
  type Account,
  accountSchema,
  SETTLED_LINES,
  type SettledLine,
  settledLineSchema,
} from '../ports/account.port.js';
import { AlreadyExistsError, ConflictError, type Versioned } from '../ports/versioned.port.js';
import { type Purchase, purchaseSchema } from '../ports/purchase.port.js';
import { type CacheEntry, cacheEntrySchema } from '../ports/cache.port.js';
import { type LedgerEntry, ledgerEntrySchema } from '../ports/ledger.port.js';
import { type Stores } from '../ports/stores.port.js';
import { type WebhookRegistrations, webhookRegistrationsSchema } from '../ports/webhook.port.js';
import { byKey, byTime } from '../records/key.order.js';
import { saveLarger } from '../records/settled.lines.js';
import { storedGenerationSchema } from '../records/stored.generation.js';
import { sumUsage } from '../records/usage.sums.js';
import { isNew } from '../records/write.conflicts.js';

/** A map with revisions. Copies values on read and write, as a real store does. */
class Table<T> {
  private readonly rows = new Map<string, { json: string; revision: number }>();
  private revision = 0;

  constructor(private readonly parse: (raw: unknown) => T) {}

  create(key: string, value: T): Versioned<T> {
    if (this.rows.has(key)) throw new AlreadyExistsError(`${key} exists already`);
    return this.put(key, value);
  }

  get(key: string): Versioned<T> | undefined {
    const row = this.rows.get(key);
    // Validated by `put`.
    return row && { value: JSON.parse(row.json) as T, revision: String(row.revision) };
  }

  save(key: string, value: T, revision: string): Versioned<T> {
    if (String(this.rows.get(key)?.revision) !== revision) throw new ConflictError(`${key} is past ${revision}`);
    return this.put(key, value);
  }

  remove(key: string, revision?: string): void {
    const row = this.rows.get(key);
    if (row !== undefined && revision !== undefined && String(row.revision) !== revision)
      throw new ConflictError(`${key} is past ${revision}`);
    this.rows.delete(key);
  }

  all(): Versioned<T>[] {
    return [...this.rows.keys()].sort().flatMap((key) => this.get(key) ?? []);
  }

  private put(key: string, value: T): Versioned<T> {
    this.revision += 1;
    const checked = this.parse(value);
    this.rows.set(key, { json: JSON.stringify(checked), revision: this.revision });
    return { value: checked, revision: String(this.revision) };
  }
}

export interface MemoryStoresOptions {
  /** Maximum number of settled lines in an account. Default: 64. */
  readonly settledLines?: number;
}

/** Stores in memory with the same contract as the real ones, for simulations and tests. */
export function createMemoryStores({ settledLines = SETTLED_LINES }: MemoryStoresOptions = {}): Stores {
  const generations = new Table<GenerationRecord>((raw) => storedGenerationSchema.parse(raw));
  const ledger = new Table<LedgerEntry>((raw) => ledgerEntrySchema.parse(raw));
  const purchases = new Table<Purchase>((raw) => purchaseSchema.parse(raw));
  const accounts = new Table<Account>((raw) => accountSchema.parse(raw));
  const settled = new Table<SettledLine>((raw) => settledLineSchema.parse(raw));
  const cache = new Table<CacheEntry>((raw) => cacheEntrySchema.parse(raw));
  const webhooks = new Table<WebhookRegistrations>((raw) => webhookRegistrationsSchema.parse(raw));
  const claims = new Map<string, { fingerprint: string; generationId: string }>();
  const rowOf = (generationId: string, key: string): string => JSON.stringify([generationId, key]);
  /* eslint-disable @typescript-eslint/require-await -- the ports are asynchronous: errors must be rejections */
  return {
    generations: {
      create: async (record) => generations.create(record.id, record),
      get: async (id) => generations.get(id),
      save: async (record, revision) => generations.save(record.id, record, revision),
      list: async ({ owner, status, limit, after }) =>
        generations
          .all()
          .map(({ value }) => value)
          .reverse()
          .filter(
            ({ id, owner: own, state }) =>
              (after === undefined || id < after) &&
              (owner === undefined || own === owner) &&
              (status === undefined || state.status === status),
          )
          .slice(0, limit),
      scan: async function* (before) {
        const ids = generations.all().map(({ value }) => value.id);
        for (const id of ids.reverse()) {
          const found = before === undefined || id < before ? generations.get(id) : undefined;
          if (found !== undefined) yield found.value;
        }
      },
      unfinished: async () =>
        generations
          .all()
          .map(({ value }) => value)
          .filter(({ state }) => !isFinal(state.status)),
      remove: async (id) => {
        generations.remove(id);
      },
    },
    ledger: {
      append: (entry) => isNew((async () => ledger.create(rowOf(entry.generationId, entry.key), entry))()),
      entries: async (generationId) =>
        ledger
          .all()
          .map(({ value }) => value)
          .filter((entry) => entry.generationId === generationId)
          .sort(byKey),
      ofProvider: async (provider) =>
        ledger
          .all()
          .map(({ value }) => value)
          .filter((entry) => entry.provider === provider)
          .sort(byTime),
      usage: async (owner, fromDay, toDay) =>
        sumUsage(
          ledger.all().map(({ value }) => value),
          owner,
          fromDay,
          toDay,
        ),
    },
    purchases: {
      list: async (generationId) =>
        purchases
          .all()
          .filter(({ value }) => value.generationId === generationId)
          .sort((a, b) => byKey(a.value, b.value)),
      get: async (generationId, key) => purchases.get(rowOf(generationId, key)),
      create: async (purchase) => purchases.create(rowOf(purchase.generationId, purchase.key), purchase),
      save: async (purchase, revision) =>
        purchases.save(rowOf(purchase.generationId, purchase.key), purchase, revision),
      remove: async (generationId) => {
        for (const { value } of purchases.all())
          if (value.generationId === generationId) purchases.remove(rowOf(generationId, value.key));
      },
    },
    idempotency: {
      claim: async (key, fingerprint, generationId) => {
        const first = claims.get(key);
        if (first !== undefined) return { ...first, fresh: false };
        claims.set(key, { fingerprint, generationId });
        return { fingerprint, generationId, fresh: true };
      },
      peek: async (key) => claims.get(key),
      release: async (key, generationId) => {
        if (claims.get(key)?.generationId === generationId) claims.delete(key);
      },
    },
    accounts: {
      settledLines,
      settled: async (owner, period, id) => settled.get(JSON.stringify([owner, period, id]))?.value,
      saveSettled: async (line) => {
        const key = JSON.stringify([line.owner, line.period, line.generationId]);
        await saveLarger(
          {
            get: async () => settled.get(key),
            create: async (first) => settled.create(key, first),
            save: async (next, revision) => settled.save(key, next, revision),
          },
          line,
        );
      },
      get: async (owner, period) => accounts.get(rowOf(owner, period)),
      create: async (account) => accounts.create(rowOf(account.owner, account.period), account),
      save: async (account, revision) => accounts.save(rowOf(account.owner, account.period), account, revision),
    },
    cache: {
      get: async (key) => cache.get(key),
      create: async (entry) => cache.create(entry.key, entry),
      save: async (entry, revision) => cache.save(entry.key, entry, revision),
      remove: async (key, revision) => {
        cache.remove(key, revision);
      },
      all: async () => cache.all(),
    },
    webhooks: {
      get: async (owner) => webhooks.get(owner),
      create: async (value) => webhooks.create(value.owner, value),
      save: async (value, revision) => webhooks.save(value.owner, value, revision),
    },
  };
  /* eslint-enable @typescript-eslint/require-await */
}
