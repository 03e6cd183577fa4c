import { artifactSchema } from '@clipmesh/contracts';
import { z } from 'zod';
import { type Versioned } from './versioned.port.js';

export const cacheEntrySchema = z.object({
  /** Hexadecimal SHA-256 of everything that changes the output. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  kind: z.enum(['clip', 'llm', 'speech']),
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
  /** The answer of the language model, or the measures of a speech. */
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
