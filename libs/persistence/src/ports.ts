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

/** A value and the opaque revision that a compare-and-set of it needs. */
export interface Versioned<T> {
  value: T;
  revision: string;
}

/** A record of this id or key is there already. */
export class AlreadyExistsError extends Error {
  readonly code = 'ALREADY_EXISTS';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AlreadyExistsError';
  }
}

/** The record was changed since it was read; read it again and decide anew. */
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
  /** Last id of the former page; exclusive. */
  after?: string;
}

export interface GenerationStore {
  /** Throws {@link AlreadyExistsError} when the id exists. */
  create(record: GenerationRecord): Promise<Versioned<GenerationRecord>>;
  get(id: string): Promise<Versioned<GenerationRecord> | undefined>;
  /** Compare-and-set; throws {@link ConflictError} when the revision moved. */
  save(record: GenerationRecord, revision: string): Promise<Versioned<GenerationRecord>>;
  /** Newest first: ids sort by time. */
  list(query: GenerationQuery): Promise<GenerationRecord[]>;
  /** All of all owners, newest first, from `before` (an id, exclusive) on; read as they are asked for, some at once. */
  scan(before?: string): AsyncIterable<GenerationRecord>;
  /** All that are not in a final status, of all owners, in no order. */
  unfinished(): Promise<GenerationRecord[]>;
  /** Removing what is not there is no error. */
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
  /** Books a charge once: false when the generation has an entry of this key already; exact under concurrency. */
  append(entry: LedgerEntry): Promise<boolean>;
  /** Sorted by key. */
  entries(generationId: string): Promise<LedgerEntry[]>;
  /**
   * What an owner was charged, added up by UTC day, stage, model and unit, and sorted by these. Both days (`YYYY-MM-DD`)
   * are included. Entries outlive their generation: they hold amounts, no content.
   */
  usage(owner: string, fromDay: string, toDay: string): Promise<UsageRow[]>;
}

export const usageRowSchema = z.object({
  day: z.iso.date(),
  stage: chargeSchema.shape.stage,
  model: z.string(),
  unit: chargeSchema.shape.unit,
  /** Charges. */
  count: z.int().nonnegative(),
  /** Billed quantity in `unit`s. */
  quantity: z.number().nonnegative(),
  amountMicros: z.int().nonnegative(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;

export const purchaseSchema = z.object({
  /** Unique in its generation. */
  key: z.string().min(1),
  generationId: generationIdSchema,
  kind: z.enum(['clip', 'llm']),
  /**
   * `intended`: the call may be under way. `unanswered`: it ended without an answer, so the provider may have taken it.
   * `submitted`: taken, the id is known. `finished`: paid for and kept here. `failed` and `canceled`: nothing more comes of it.
   */
  status: z.enum(['intended', 'unanswered', 'submitted', 'finished', 'failed', 'canceled']),
  model: z.string(),
  scene: z.int().nonnegative().optional(),
  /** Hash of everything that was asked for: another wish is another purchase. */
  fingerprint: z.string(),
  /** What was asked for, so that it can be found again at the provider. */
  request: z.unknown().optional(),
  /** The provider's id, known once the purchase was answered. */
  predictionId: z.string().optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  artifact: artifactSchema.optional(),
  charge: chargeSchema.optional(),
  /** How it ended, when its command was given up: the same command, delivered again, is answered with it and buys nothing. */
  gaveUp: z.object({ attempt: z.int(), code: failureCodeSchema, message: z.string() }).optional(),
  /** The most that it may cost, micro-dollars; absent where that is not known. */
  quoteMicros: z.int().nonnegative().optional(),
  /** Why it failed, where a later purchase depends on it. */
  failure: failureCodeSchema.optional(),
  /** What a language model answered, kept so that it is not asked again. */
  answer: z.unknown().optional(),
});
/** One purchase from a provider, written before the call so that it is never bought twice. */
export type Purchase = z.infer<typeof purchaseSchema>;

export interface PurchaseStore {
  /** All attempts of a generation, sorted by key. */
  list(generationId: string): Promise<Versioned<Purchase>[]>;
  get(generationId: string, key: string): Promise<Versioned<Purchase> | undefined>;
  /** Throws {@link AlreadyExistsError} when the generation has an attempt of this key. */
  create(attempt: Purchase): Promise<Versioned<Purchase>>;
  /** Compare-and-set; throws {@link ConflictError} when the revision moved. */
  save(attempt: Purchase, revision: string): Promise<Versioned<Purchase>>;
  /** Removes all attempts of a generation. */
  remove(generationId: string): Promise<void>;
}

export const accountSchema = z.object({
  owner: z.string().min(1).max(64),
  /** UTC: `YYYY-MM-DD` (a day) or `YYYY-MM` (a month). */
  period: z.string().regex(/^\d{4}-\d{2}(-\d{2})?$/),
  /** By generation id. */
  generations: z.record(
    generationIdSchema,
    z.object({
      /** The most that it may still come to, as long as it is open. */
      reservedMicros: z.int().nonnegative(),
      /** The sum of its ledger entries when it was last looked at: set, never added to, so that a repeat changes nothing. */
      spentMicros: z.int().nonnegative(),
      /** False once it has ended and nothing more can be charged: then only what was spent counts. */
      open: z.boolean(),
      /** The latest run that money was promised for; 0 while the generation is not known to be stored. */
      run: z.int().nonnegative().default(1),
      /** The request to regenerate a scene that reserved for `run`, as long as it may not have begun. Default: none, a create or a retry. */
      request: z.string().optional(),
    }),
  ),
  /** What lines that were moved out of the account have spent, micro-dollars. Default: 0. */
  settledMicros: z.int().nonnegative().optional(),
});
/** What an owner has promised and spent in one period. One document, so that a reservation is one compare-and-set. */
export type Account = z.infer<typeof accountSchema>;

export const settledLineSchema = z.object({
  owner: accountSchema.shape.owner,
  period: accountSchema.shape.period,
  generationId: generationIdSchema,
  spentMicros: z.int().nonnegative(),
  run: z.int().nonnegative(),
});
/** A line that was moved out of its account once it was settled, so that the account stays small. */
export type SettledLine = z.infer<typeof settledLineSchema>;

/** Settled lines that an account keeps, of either store. */
export const SETTLED_LINES = 64;

export interface AccountStore {
  /** Settled lines that an account keeps; more of them are moved out. */
  readonly settledLines: number;
  /** What was spent by, and the latest run of, a generation whose line was moved out of its account at some time. */
  settled(owner: string, period: string, generationId: string): Promise<SettledLine | undefined>;
  /** Keeps the larger of what is there and this, field by field: safe to repeat, and in any order. */
  saveSettled(line: SettledLine): Promise<void>;
  get(owner: string, period: string): Promise<Versioned<Account> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(account: Account): Promise<Versioned<Account>>;
  /** Compare-and-set; throws {@link ConflictError} when the revision moved. */
  save(account: Account, revision: string): Promise<Versioned<Account>>;
}

export const cacheEntrySchema = z.object({
  /** SHA-256, in hexadecimal, over everything that changes the output. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  kind: z.enum(['clip', 'llm']),
  /** `filling`: the holder is about to buy it, everybody else waits for it. `ready`: it is here. */
  status: z.enum(['filling', 'ready']),
  /** Who fills it, or has filled it: unique to one purchase. */
  holder: z.string().min(1).max(300),
  /** A `filling` entry past this time was left behind by a holder that died, and may be taken over. UTC. */
  leaseUntil: z.iso.datetime(),
  createdAt: z.iso.datetime(),
  /** Last time it was asked for: the least recently used goes first. */
  usedAt: z.iso.datetime(),
  model: z.string(),
  predictionId: z.string().optional(),
  artifact: artifactSchema.optional(),
  /** What a language model answered. */
  answer: z.unknown().optional(),
});
/** One cached purchase, or the single flight towards it. */
export type CacheEntry = z.infer<typeof cacheEntrySchema>;

export interface CacheStore {
  get(key: string): Promise<Versioned<CacheEntry> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(entry: CacheEntry): Promise<Versioned<CacheEntry>>;
  /** Compare-and-set; throws {@link ConflictError} when the revision moved. */
  save(entry: CacheEntry, revision: string): Promise<Versioned<CacheEntry>>;
  /** Removes this revision; throws {@link ConflictError} when it moved. Removing what is not there is no error. */
  remove(key: string, revision: string): Promise<void>;
  /** All entries, in no order. */
  all(): Promise<Versioned<CacheEntry>[]>;
}

export const webhookRegistrationsSchema = z.object({
  owner: z.string().min(1).max(64),
  endpoints: z.array(
    z.object({
      id: z.string().regex(WEBHOOK_ID),
      /** It may hold a key: for the owner alone. */
      url: z.string(),
      events: z.array(webhookEventSchema),
      /** What deliveries are signed with: `whsec_` and base64. */
      secret: z.string(),
      createdAt: z.iso.datetime(),
    }),
  ),
  /** The latest rotation of the secret for URLs of creates. Default: version 1, never rotated. */
  rotation: z.object({ version: z.int().min(2), rotatedAt: z.iso.datetime() }).optional(),
});
/** Where an owner wants to be told. One document, so that the limit of endpoints is exact. */
export type WebhookRegistrations = z.infer<typeof webhookRegistrationsSchema>;
export type WebhookEndpoint = WebhookRegistrations['endpoints'][number];

export interface WebhookStore {
  get(owner: string): Promise<Versioned<WebhookRegistrations> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(book: WebhookRegistrations): Promise<Versioned<WebhookRegistrations>>;
  /** Compare-and-set; throws {@link ConflictError} when the revision moved. */
  save(book: WebhookRegistrations, revision: string): Promise<Versioned<WebhookRegistrations>>;
}

export interface IdempotencyClaim {
  fingerprint: string;
  generationId: string;
  /** True for the claim that won. */
  fresh: boolean;
}

export interface IdempotencyStore {
  /** Atomic: the first claim of a key wins, later ones get the first's values. */
  claim(key: string, fingerprint: string, generationId: string): Promise<IdempotencyClaim>;
  /** The claim of a key, without claiming it; undefined when there is none. */
  peek(key: string): Promise<Omit<IdempotencyClaim, 'fresh'> | undefined>;
  /** Forgets the claim of a key when it names this generation; any other claim stays. May be repeated. */
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

/** Stores that hold something open. */
export interface OpenStores extends Stores {
  /** Ends what the stores have opened themselves; nothing may be asked of them afterwards. */
  close(): Promise<void>;
}

/** Bytes; both ends inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface ArtifactStore {
  /** Stores a file (by path; it is copied), bytes or a stream under its hash; the same bytes twice are one file. */
  put(source: string | Uint8Array | Readable, options: { contentType: string }): Promise<Artifact>;
  /** Throws `ARTIFACT_MISSING`. The caller reads the stream to its end or destroys it. */
  open(artifact: Pick<Artifact, 'key'>, range?: ByteRange): Promise<Readable>;
  stat(artifact: Pick<Artifact, 'key'>): Promise<{ bytes: number } | undefined>;
  /** Makes a file as young as if its bytes had just been put; false when it is not there. */
  renew(artifact: Pick<Artifact, 'key'>): Promise<boolean>;
  /** Gives the callback a local path to read; the file must not be changed. Throws `ARTIFACT_MISSING`. */
  withFile<T>(artifact: Pick<Artifact, 'key'>, use: (path: string) => Promise<T>): Promise<T>;
  /** Removing what is not there is no error. */
  remove(artifact: Pick<Artifact, 'key'>): Promise<void>;
  /**
   * Removes a file that was last put or renewed at `notAfterMs` or before, ms since the epoch; false when it is younger or
   * not there. A `put` or `renew` at the same time either keeps it, or finds it gone.
   */
  removeOld(artifact: Pick<Artifact, 'key'>, notAfterMs: number): Promise<boolean>;
  /** Every stored file, in no order. `storedAt`: when its bytes were last put or renewed, ms since the epoch. */
  list(): AsyncIterable<{ key: string; bytes: number; storedAt: number }>;
  /** Removes temporary files older than `maxAgeMs`, left by a crash, and gives back what a cut-off `removeOld` had taken; says how many were removed. */
  sweepTemporary(maxAgeMs: number): Promise<number>;
}
