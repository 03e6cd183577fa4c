import { artifactSchema, chargeSchema, failureCodeSchema, generationIdSchema } from '@clipmesh/contracts';
import { z } from 'zod';
import { type Versioned } from './versioned.port.js';

export const purchaseSchema = z.object({
  /** Unique in the generation. */
  key: z.string().min(1),
  generationId: generationIdSchema,
  kind: z.enum(['clip', 'llm', 'speech']),
  /**
   * `intended`: the call may be in flight. `unanswered`: the call ended without an answer, so the outcome is unknown.
   * `submitted`: the provider accepted it. `finished`: paid for, with a stored result. `failed` and `canceled`: ended without a
   * result.
   */
  status: z.enum(['intended', 'unanswered', 'submitted', 'finished', 'failed', 'canceled']),
  model: z.string(),
  /** The provider of a clip or of speech. Absent in purchases of clips from before there were several: `replicate`. */
  provider: z.string().optional(),
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
  /** What the provider billed, minus `charge`. Absent: no difference is known. */
  adjustment: chargeSchema.optional(),
  /** Final failure of its command. A redelivery of the same command fails with it and buys nothing. */
  gaveUp: z.object({ attempt: z.int(), code: failureCodeSchema, message: z.string() }).optional(),
  /** The step of the scene that closed it although its provider could not say whether it was made. */
  unknowable: z.object({ attempt: z.int() }).optional(),
  /** Maximum cost, micro-dollars. Absent: unknown. */
  quoteMicros: z.int().nonnegative().optional(),
  /** Failure code, if a later purchase depends on it. */
  failure: failureCodeSchema.optional(),
  /** The answer of the language model, or the measures of a speech, stored so that it is not bought again. */
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
