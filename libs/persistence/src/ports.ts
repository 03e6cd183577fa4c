import { type Readable } from 'node:stream';
import {
  artifactSchema,
  chargeSchema,
  failureCodeSchema,
  generationIdSchema,
  WEBHOOK_ID,
  webhookEventSchema,
  type Artifact,
  type GenerationRecord,
  type GenerationStatus,
} from '@clipmesh/contracts';
import { z } from 'zod';

/** A value and its opaque revision for compare-and-set. */
export interface Versioned<T> {
  value: T;
  revision: string;
}

/** A record with this id or key exists already. */
export class AlreadyExistsError extends Error {
  readonly code = 'ALREADY_EXISTS';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AlreadyExistsError';
  }
}

/** The record has changed since it was read. Read it again and repeat the decision. */
export class ConflictError extends Error {
  readonly code = 'CONFLICT';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConflictError';
  }
}

export interface GenerationQuery {
  owner?: string;
  status?: GenerationStatus;
  limit: number;
  /** Last id of the previous page, exclusive. */
  after?: string;
}

export interface GenerationStore {
  /** Throws {@link AlreadyExistsError}. */
  create(record: GenerationRecord): Promise<Versioned<GenerationRecord>>;
  get(id: string): Promise<Versioned<GenerationRecord> | undefined>;
  /** Compare-and-set. Throws {@link ConflictError}. */
  save(record: GenerationRecord, revision: string): Promise<Versioned<GenerationRecord>>;
  /** Newest first. */
  list(query: GenerationQuery): Promise<GenerationRecord[]>;
  /** Generations of all owners, newest first, older than `before` (an id, exclusive). Reads in batches on demand. */
  scan(before?: string): AsyncIterable<GenerationRecord>;
  /** Generations of all owners without a final status, unordered. */
  unfinished(): Promise<GenerationRecord[]>;
  /** Idempotent. */
  remove(id: string): Promise<void>;
}

export const ledgerEntrySchema = chargeSchema.extend({
  generationId: generationIdSchema,
  owner: z.string(),
  /** UTC. */
  at: z.iso.datetime(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

export interface LedgerStore {
  /** Adds an entry once per generation and key, also under concurrency. False: the entry exists already. */
  append(entry: LedgerEntry): Promise<boolean>;
  /** Sorted by key. */
  entries(generationId: string): Promise<LedgerEntry[]>;
  /**
   * Charges of an owner, summed and sorted by UTC day, stage, model and unit. Both days (`YYYY-MM-DD`) are inclusive. Entries
   * are kept when their generation is removed: they contain amounts, but no content.
   */
  usage(owner: string, fromDay: string, toDay: string): Promise<UsageRow[]>;
}

export const usageRowSchema = z.object({
  day: z.iso.date(),
  stage: chargeSchema.shape.stage,
  model: z.string(),
  unit: chargeSchema.shape.unit,
  /** Number of charges. */
  count: z.int().nonnegative(),
  /** Billed quantity, in `unit`. */
  quantity: z.number().nonnegative(),
  amountMicros: z.int().nonnegative(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;

export const purchaseSchema = z.object({
  /** Unique in the generation. */
  key: z.string().min(1),
  generationId: generationIdSchema,
  kind: z.enum(['clip', 'llm']),
  /**
   * `intended`: the call may be in flight. `unanswered`: the call ended without an answer, so the outcome is unknown.
   * `submitted`: the provider accepted it. `finished`: paid for, with a stored result. `failed` and `canceled`: ended without a
   * result.
   */
  status: z.enum(['intended', 'unanswered', 'submitted', 'finished', 'failed', 'canceled']),
  model: z.string(),
  scene: z.int().nonnegative().optional(),
  /** Hash of the request. Another request is another purchase. */
  fingerprint: z.string(),
  /** The request, to find the purchase at the provider. */
  request: z.unknown().optional(),
  /** Id at the provider. Absent until the provider answers. */
  predictionId: z.string().optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  artifact: artifactSchema.optional(),
  charge: chargeSchema.optional(),
  /** Final failure of its command. A redelivery of the same command fails with it and buys nothing. */
  gaveUp: z.object({ attempt: z.int(), code: failureCodeSchema, message: z.string() }).optional(),
  /** Maximum cost, micro-dollars. Absent: unknown. */
  quoteMicros: z.int().nonnegative().optional(),
  /** Failure code, if a later purchase depends on it. */
  failure: failureCodeSchema.optional(),
  /** The answer of the language model, stored so that it is not bought again. */
  answer: z.unknown().optional(),
});
/** The record of one paid provider call. It is written before the call, so that nothing is bought twice. */
export type Purchase = z.infer<typeof purchaseSchema>;

export interface PurchaseStore {
  /** All purchases of a generation, sorted by key. */
  list(generationId: string): Promise<Versioned<Purchase>[]>;
  get(generationId: string, key: string): Promise<Versioned<Purchase> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(purchase: Purchase): Promise<Versioned<Purchase>>;
  /** Compare-and-set. Throws {@link ConflictError}. */
  save(purchase: Purchase, revision: string): Promise<Versioned<Purchase>>;
  /** Removes all purchases of a generation. */
  remove(generationId: string): Promise<void>;
}

export const accountSchema = z.object({
  owner: z.string().min(1).max(64),
  /** UTC: `YYYY-MM-DD` (a day) or `YYYY-MM` (a month). */
  period: z.string().regex(/^\d{4}-\d{2}(-\d{2})?$/),
  /** Budget lines by generation id. */
  generations: z.record(
    generationIdSchema,
    z.object({
      /** Maximum total cost while the line is open. */
      reservedMicros: z.int().nonnegative(),
      /** Last sum of its ledger entries. Always set, never incremented, so that a repeat changes nothing. */
      spentMicros: z.int().nonnegative(),
      /** False: the generation has ended and no more charges can follow, so only `spentMicros` counts. */
      open: z.boolean(),
      /** The latest run with a reservation. 0: the generation may not be stored yet. */
      run: z.int().nonnegative().default(1),
      /** The regenerate request that reserved for `run`, while the run may not have started. Default: none (create or retry). */
      request: z.string().optional(),
    }),
  ),
  /** Spending of the lines that were moved out of the account, micro-dollars. Default: 0. */
  settledMicros: z.int().nonnegative().optional(),
});
/** Reservations and spending of an owner in one period. One document, so that a reservation is one compare-and-set. */
export type Account = z.infer<typeof accountSchema>;

export const settledLineSchema = z.object({
  owner: accountSchema.shape.owner,
  period: accountSchema.shape.period,
  generationId: generationIdSchema,
  spentMicros: z.int().nonnegative(),
  run: z.int().nonnegative(),
});
/** A settled line that was moved out of its account, to keep the account small. */
export type SettledLine = z.infer<typeof settledLineSchema>;

/** Maximum number of settled lines in an account. */
export const SETTLED_LINES = 64;

export interface AccountStore {
  /** Maximum number of settled lines in an account. More are moved out. */
  readonly settledLines: number;
  /** The line of a generation that was moved out of its account. */
  settled(owner: string, period: string, generationId: string): Promise<SettledLine | undefined>;
  /** Stores the maximum of the stored and the given line, field by field. Idempotent and independent of order. */
  saveSettled(line: SettledLine): Promise<void>;
  get(owner: string, period: string): Promise<Versioned<Account> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(account: Account): Promise<Versioned<Account>>;
  /** Compare-and-set. Throws {@link ConflictError}. */
  save(account: Account, revision: string): Promise<Versioned<Account>>;
}

export const cacheEntrySchema = z.object({
  /** Hexadecimal SHA-256 of everything that changes the output. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  kind: z.enum(['clip', 'llm']),
  /** `filling`: the holder of the lease buys the content and others wait. `ready`: the content is available. */
  status: z.enum(['filling', 'ready']),
  /** Holder of the lease: unique to one purchase. */
  holder: z.string().min(1).max(300),
  /** End of the lease, UTC. After it, another purchase may take over a `filling` entry. */
  leaseUntil: z.iso.datetime(),
  createdAt: z.iso.datetime(),
  /** Time of the last use, UTC. The least recently used entries are evicted first. */
  usedAt: z.iso.datetime(),
  model: z.string(),
  predictionId: z.string().optional(),
  artifact: artifactSchema.optional(),
  /** The answer of the language model. */
  answer: z.unknown().optional(),
});
/** A cached purchase, or the lease to make it. */
export type CacheEntry = z.infer<typeof cacheEntrySchema>;

export interface CacheStore {
  get(key: string): Promise<Versioned<CacheEntry> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(entry: CacheEntry): Promise<Versioned<CacheEntry>>;
  /** Compare-and-set. Throws {@link ConflictError}. */
  save(entry: CacheEntry, revision: string): Promise<Versioned<CacheEntry>>;
  /** Removes this revision. Throws {@link ConflictError}. Idempotent. */
  remove(key: string, revision: string): Promise<void>;
  /** All entries, unordered. */
  all(): Promise<Versioned<CacheEntry>[]>;
}

export const webhookRegistrationsSchema = z.object({
  owner: z.string().min(1).max(64),
  endpoints: z.array(
    z.object({
      id: z.string().regex(WEBHOOK_ID),
      /** Only the owner may see it, because it may contain a secret. */
      url: z.string(),
      events: z.array(webhookEventSchema),
      /** Signing secret: `whsec_` and base64. */
      secret: z.string(),
      createdAt: z.iso.datetime(),
    }),
  ),
  /** Latest rotation of the secret for the `webhookUrl` of creates. Default: version 1, never rotated. */
  rotation: z.object({ version: z.int().min(2), rotatedAt: z.iso.datetime() }).optional(),
});
/** The registered webhooks of an owner. One document, so that the limit of endpoints is exact. */
export type WebhookRegistrations = z.infer<typeof webhookRegistrationsSchema>;
export type WebhookEndpoint = WebhookRegistrations['endpoints'][number];

export interface WebhookStore {
  get(owner: string): Promise<Versioned<WebhookRegistrations> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(registrations: WebhookRegistrations): Promise<Versioned<WebhookRegistrations>>;
  /** Compare-and-set. Throws {@link ConflictError}. */
  save(registrations: WebhookRegistrations, revision: string): Promise<Versioned<WebhookRegistrations>>;
}

export interface IdempotencyClaim {
  fingerprint: string;
  generationId: string;
  /** True: this call created the claim. */
  fresh: boolean;
}

export interface IdempotencyStore {
  /** Atomic: the first claim of a key wins. Later ones return its values. */
  claim(key: string, fingerprint: string, generationId: string): Promise<IdempotencyClaim>;
  /** The claim of a key, without creating one. */
  peek(key: string): Promise<Omit<IdempotencyClaim, 'fresh'> | undefined>;
  /** Removes the claim of a key if it names this generation. Idempotent. */
  release(key: string, generationId: string): Promise<void>;
}

export interface Stores {
  generations: GenerationStore;
  ledger: LedgerStore;
  purchases: PurchaseStore;
  idempotency: IdempotencyStore;
  accounts: AccountStore;
  cache: CacheStore;
  webhooks: WebhookStore;
}

/** Stores with open resources. */
export interface OpenStores extends Stores {
  /** Closes the resources that the stores opened themselves. */
  close(): Promise<void>;
}

/** Byte range; both ends inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface ArtifactStore {
  /** Stores a file (copied from its path), bytes or a stream under its hash. The same bytes are stored once. */
  put(source: string | Uint8Array | Readable, options: { contentType: string }): Promise<Artifact>;
  /** Opens a stream that the caller must read to its end or destroy. Throws `ARTIFACT_MISSING`. */
  open(artifact: Pick<Artifact, 'key'>, range?: ByteRange): Promise<Readable>;
  stat(artifact: Pick<Artifact, 'key'>): Promise<{ bytes: number } | undefined>;
  /** Resets the age of a file, as `put` does. False: no such file. */
  renew(artifact: Pick<Artifact, 'key'>): Promise<boolean>;
  /** Calls back with a local path for reading only. Throws `ARTIFACT_MISSING`. */
  withFile<T>(artifact: Pick<Artifact, 'key'>, use: (path: string) => Promise<T>): Promise<T>;
  /** Idempotent. */
  remove(artifact: Pick<Artifact, 'key'>): Promise<void>;
  /**
   * Removes a file that was last put or renewed at or before `notAfterMs`, ms since the epoch. False: it is younger or missing.
   * Atomic with `put` and `renew`: they either keep the file or find it removed.
   */
  removeOld(artifact: Pick<Artifact, 'key'>, notAfterMs: number): Promise<boolean>;
  /** All stored files, unordered. `storedAt`: time of the last put or renew, ms since the epoch. */
  list(): AsyncIterable<{ key: string; bytes: number; storedAt: number }>;
  /** Removes temporary files older than `maxAgeMs` and returns their number. Restores files of an interrupted `removeOld`. */
  sweepTemporary(maxAgeMs: number): Promise<number>;
}
