import { chargeFields, generationIdSchema, isSoundCharge } from '@clipmesh/contracts';
import { z } from 'zod';

export const ledgerEntrySchema = chargeFields
  .extend({
    generationId: generationIdSchema,
    owner: z.string(),
    /** UTC. An adjustment has the time of its charge. */
    at: z.iso.datetime(),
  })
  .refine(isSoundCharge, 'expected a charge that is not negative, or an adjustment that names its charge');
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
  stage: chargeFields.shape.stage,
  model: z.string(),
  unit: chargeFields.shape.unit,
  /** Number of charges, without their adjustments. */
  count: z.int().nonnegative(),
  /** Billed quantity, in `unit`. */
  quantity: z.number().nonnegative(),
  amountMicros: z.int().nonnegative(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;
