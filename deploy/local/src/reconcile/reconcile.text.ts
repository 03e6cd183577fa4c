import { tableText } from '../terminal.js';
import { type ComparedLine, type Reconciliation } from './reconcile.js';

const dollars = (micros: number): string => `${micros < 0 ? '-' : ''}$${(Math.abs(micros) / 1_000_000).toFixed(6)}`;

const noteOf = ({ unpriced, assumed, generationIds }: ComparedLine): string =>
  [
    ...generationIds,
    ...(unpriced ? ['(no price in the ledger)'] : []),
    ...(assumed ? ['(assumed: the provider could not say what it cost)'] : []),
  ].join(' ');

function listText(title: string, lines: readonly ComparedLine[]): string[] {
  if (lines.length === 0) return [];
  const table = tableText(
    ['ID', 'MODEL', 'LEDGER', 'INVOICE', 'GENERATION'],
    lines.map((line) => [line.id, line.model, dollars(line.ledgerMicros), dollars(line.invoiceMicros), noteOf(line)]),
  );
  const sum = (pick: (line: ComparedLine) => number): string =>
    dollars(lines.reduce((all, line) => all + pick(line), 0));
  return [
    `${title}: ${lines.length}, ledger ${sum((line) => line.ledgerMicros)}, invoice ${sum((line) => line.invoiceMicros)}`,
    table,
    '',
  ];
}

/** A comparison as text: what differs, with sums, then the totals. */
export const reconcileText = (compared: Reconciliation): string =>
  [
    ...listText('Only in the ledger', compared.onlyInLedger),
    ...listText('Only in the invoice', compared.onlyInInvoice),
    ...listText('Different amounts', compared.different),
    `${compared.equal} equal; ledger ${dollars(compared.ledgerMicros)}, invoice ${dollars(compared.invoiceMicros)}, ` +
      `difference ${dollars(compared.ledgerMicros - compared.invoiceMicros)}`,
  ].join('\n');
