import { type CostSummaryAnswer } from '@clipmesh/messaging';
import { type LedgerEntry } from '@clipmesh/persistence';

/** The sum of a generation's entries, and the entries without what the asker knows: their generation and owner. */
export function summaryOf(entries: readonly LedgerEntry[]): CostSummaryAnswer {
  return {
    totalMicros: entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0),
    entries: entries.map(({ generationId: _generationId, owner: _owner, ...entry }) => entry),
  };
}
