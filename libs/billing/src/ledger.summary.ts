import { type Charge } from '@clipmesh/contracts';

/** A charge in the ledger. `at`: when it was recorded, UTC. */
export type LedgerCharge = Charge & { readonly generationId: string; readonly owner: string; readonly at: string };
/** The answer to the question `cost.summary`. */
export interface LedgerSummary {
  totalMicros: number;
  entries: (Charge & { at: string })[];
}

/** The sum of the entries of a generation, and the entries without generation and owner. */
export function summaryOf(entries: readonly LedgerCharge[]): LedgerSummary {
  return {
    totalMicros: entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0),
    entries: entries.map(({ generationId: _generationId, owner: _owner, ...entry }) => entry),
  };
}
