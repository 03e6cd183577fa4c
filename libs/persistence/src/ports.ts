import { type Readable } from 'node:stream';
import {
  artifactSchema,
  chargeSchema,
  generationIdSchema,
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
  /** All that are not in a final status, of all owners, in no order. */
  unfinished(): Promise<GenerationRecord[]>;
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
}

export const attemptSchema = z.object({
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
  /** What a language model answered, kept so that it is not asked again. */
  answer: z.unknown().optional(),
});
/** One purchase from a provider, written before the call so that it is never bought twice. */
export type Attempt = z.infer<typeof attemptSchema>;

export interface AttemptStore {
  /** All attempts of a generation, sorted by key. */
  list(generationId: string): Promise<Versioned<Attempt>[]>;
  get(generationId: string, key: string): Promise<Versioned<Attempt> | undefined>;
  /** Throws {@link AlreadyExistsError} when the generation has an attempt of this key. */
  create(attempt: Attempt): Promise<Versioned<Attempt>>;
  /** Compare-and-set; throws {@link ConflictError} when the revision moved. */
  save(attempt: Attempt, revision: string): Promise<Versioned<Attempt>>;
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
}

export interface Stores {
  generations: GenerationStore;
  ledger: LedgerStore;
  attempts: AttemptStore;
  idempotency: IdempotencyStore;
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
  /** Gives the callback a local path to read; the file must not be changed. Throws `ARTIFACT_MISSING`. */
  withFile<T>(artifact: Pick<Artifact, 'key'>, use: (path: string) => Promise<T>): Promise<T>;
  /** Removing what is not there is no error. */
  remove(artifact: Pick<Artifact, 'key'>): Promise<void>;
  /** Removes temporary files older than `maxAgeMs`, left by a crash; says how many. */
  sweepTemporary(maxAgeMs: number): Promise<number>;
}
