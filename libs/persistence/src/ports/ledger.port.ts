import { chargeSchema, generationIdSchema } from '@clipmesh/contracts';
import { z } from 'zod';

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
  /** Every owner's entries of a provider, sorted by time, then by key. Reads the whole ledger. */
  ofProvider(provider: string): Promise<LedgerEntry[]>;
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
