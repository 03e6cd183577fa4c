import { generationIdSchema } from '@clipmesh/contracts';
import { z } from 'zod';
import { type Versioned } from './versioned.port.js';

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
      /** Last sum of its ledger entries above zero. Always set, never incremented, so that a repeat changes nothing. */
      spentMicros: z.int().nonnegative(),
      /** Last sum of those below zero, without the sign. Default: 0. */
      creditMicros: z.int().nonnegative().optional(),
      /** False: the generation has ended and no more charges can follow, so only what is spent counts. */
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
  creditMicros: z.int().nonnegative().optional(),
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
