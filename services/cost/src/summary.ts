import { type CostSummaryAnswer } from '@clipmesh/messaging';
import { type LedgerEntry } from '@clipmesh/persistence';

/** The sum of the entries of a generation, and the entries without generation and owner. */
export function summaryOf(entries: readonly LedgerEntry[]): CostSummaryAnswer {
  return {
    totalMicros: entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0),
    entries: entries.map(({ generationId: _generationId, owner: _owner, ...entry }) => entry),
  };
}
