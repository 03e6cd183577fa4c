import { GENERATION_STATUSES, generationIdSchema, type GenerationRecord, STAGES } from '@clipmesh/contracts';
import { type Connection } from 'mongoose';
import { z } from 'zod';
import { type Account, accountSchema, type SettledLine, settledLineSchema } from '../ports/account.port.js';
import { type Purchase, purchaseSchema } from '../ports/purchase.port.js';
import { type CacheEntry, cacheEntrySchema } from '../ports/cache.port.js';
import { type LedgerEntry, ledgerEntrySchema } from '../ports/ledger.port.js';
import { type WebhookRegistrations, webhookRegistrationsSchema } from '../ports/webhook.port.js';
import { hashKey } from '../records/key.hash.js';
import { storedGenerationSchema } from '../records/stored.generation.js';
import { MongoRecords, type RecordsSpec } from './mongo.records.js';

const claimRecordSchema = z.object({
  /** Hash of the key. */
  id: z.string(),
  fingerprint: z.string(),
  generationId: generationIdSchema,
});
export type ClaimRecord = z.infer<typeof claimRecordSchema>;

const text = { type: String, required: true };
const amount = { type: Number, required: true };
const byGenerationAndKey = { keys: { generationId: 1, key: 1 }, unique: true } as const;

/** Id of a record that belongs to a generation, with a key of any characters. */
export const recordId = (generationId: string, key: string): string => `${generationId}.${hashKey(key)}`;
/** Id of an account. */
export const accountId = (owner: string, period: string): string => `${hashKey(owner)}.${period}`;

/** Id of a settled line that was moved out of its account. */
export const settledId = (owner: string, period: string, generationId: string): string =>
  `${accountId(owner, period)}.${generationId}`;

const GENERATIONS: RecordsSpec<GenerationRecord> = {
  collection: 'generations',
  schema: storedGenerationSchema,
  idOf: ({ id }) => id,
  columns: { owner: text, status: { ...text, enum: GENERATION_STATUSES } },
  columnsOf: ({ owner, state }) => ({ owner, status: state.status }),
  indexes: [
    { keys: { owner: 1, status: 1, _id: -1 } },
    { keys: { owner: 1, _id: -1 } },
    { keys: { status: 1, _id: -1 } },
  ],
};
const LEDGER: RecordsSpec<LedgerEntry> = {
  collection: 'ledger',
  schema: ledgerEntrySchema,
  idOf: ({ generationId, key }) => recordId(generationId, key),
  columns: {
    generationId: text,
    key: text,
    owner: text,
    at: text,
    day: { ...text, match: /^\d{4}-\d{2}-\d{2}$/ },
    stage: { ...text, enum: STAGES },
    // Not required: mongoose rejects an empty string as missing.
    model: { type: String },
    unit: text,
    quantity: amount,
    amountMicros: { ...amount, validate: Number.isSafeInteger },
  },
  columnsOf: ({ generationId, key, owner, at, stage, model, unit, quantity, amountMicros }) => ({
    ...{ generationId, key, owner, at, day: at.slice(0, 10) },
    ...{ stage, model, unit, quantity, amountMicros },
  }),
  indexes: [byGenerationAndKey, { keys: { owner: 1, at: 1 } }],
};
const PURCHASES: RecordsSpec<Purchase> = {
  collection: 'attempts',
  schema: purchaseSchema,
  idOf: ({ generationId, key }) => recordId(generationId, key),
  columns: { generationId: text, key: text },
  columnsOf: ({ generationId, key }) => ({ generationId, key }),
  indexes: [byGenerationAndKey],
};
const ACCOUNTS: RecordsSpec<Account> = {
  collection: 'accounts',
  schema: accountSchema,
  idOf: ({ owner, period }) => accountId(owner, period),
  columns: { owner: text, period: text },
  columnsOf: ({ owner, period }) => ({ owner, period }),
  indexes: [{ keys: { owner: 1, period: 1 }, unique: true }],
};
const SETTLED: RecordsSpec<SettledLine> = {
  collection: 'settled',
  schema: settledLineSchema,
  idOf: ({ owner, period, generationId }) => settledId(owner, period, generationId),
  columns: { owner: text, period: text },
  columnsOf: ({ owner, period }) => ({ owner, period }),
  indexes: [],
};
const CACHE: RecordsSpec<CacheEntry> = {
  collection: 'cache',
  schema: cacheEntrySchema,
  idOf: ({ key }) => key,
  columns: { usedAt: text },
  columnsOf: ({ usedAt }) => ({ usedAt }),
  indexes: [{ keys: { usedAt: 1 } }],
};
const WEBHOOKS: RecordsSpec<WebhookRegistrations> = {
  collection: 'webhooks',
  schema: webhookRegistrationsSchema,
  idOf: ({ owner }) => hashKey(owner),
  columns: { owner: text },
  columnsOf: ({ owner }) => ({ owner }),
  indexes: [],
};
const CLAIMS: RecordsSpec<ClaimRecord> = {
  collection: 'idempotency',
  schema: claimRecordSchema,
  idOf: ({ id }) => id,
  columns: { expiresAt: { type: Date, required: true } },
  columnsOf: () => ({}),
  indexes: [{ keys: { expiresAt: 1 }, expires: true }],
};

export interface MongoCollections {
  readonly generations: MongoRecords<GenerationRecord>;
  readonly ledger: MongoRecords<LedgerEntry>;
  readonly purchases: MongoRecords<Purchase>;
  readonly accounts: MongoRecords<Account>;
  readonly settled: MongoRecords<SettledLine>;
  readonly cache: MongoRecords<CacheEntry>;
  readonly webhooks: MongoRecords<WebhookRegistrations>;
  readonly claims: MongoRecords<ClaimRecord>;
}

/** Declares the collections of a connection. Sends no request. */
export function mongoCollections(connection: Connection): MongoCollections {
  return {
    generations: new MongoRecords(connection, GENERATIONS),
    ledger: new MongoRecords(connection, LEDGER),
    purchases: new MongoRecords(connection, PURCHASES),
    accounts: new MongoRecords(connection, ACCOUNTS),
    settled: new MongoRecords(connection, SETTLED),
    cache: new MongoRecords(connection, CACHE),
    webhooks: new MongoRecords(connection, WEBHOOKS),
    claims: new MongoRecords(connection, CLAIMS),
  };
}
