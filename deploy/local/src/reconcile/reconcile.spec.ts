import { describe, expect, it } from '@jest/globals';
import { agrees, type InvoiceLine, type LedgerLine, type Period, reconcile, type Reconciliation } from './reconcile.js';
import { reconcileText } from './reconcile.text.js';

const DAY = '2026-01-15';
const entry = (id: string, amountMicros: number, change: Partial<LedgerLine> = {}): LedgerLine => ({
  key: `prediction:${id}`,
  generationId: 'gen_1',
  provider: 'replicate',
  model: 'a/b',
  amountMicros,
  at: `${DAY}T10:00:00.000Z`,
  ...change,
});
const line = (id: string, amountMicros: number): InvoiceLine => ({ id, model: 'a/b', amountMicros, day: DAY });

const ids = ({ onlyInLedger, onlyInInvoice, different, equal }: Reconciliation): object => ({
  ledger: onlyInLedger.map(({ id }) => id),
  invoice: onlyInInvoice.map(({ id }) => id),
  different: different.map(({ id }) => id),
  equal,
});
const all = { ledger: [], invoice: [], different: [], equal: 0 };

describe('the comparison of a ledger with an invoice', () => {
  it.each<[string, LedgerLine[], InvoiceLine[], Period, Partial<ReturnType<typeof ids>>]>([
    ['nothing', [], [], {}, {}],
    ['equal amounts', [entry('p1', 5)], [line('p1', 5)], {}, { equal: 1 }],
    ['an entry that is not billed', [entry('p1', 5)], [], {}, { ledger: ['p1'] }],
    ['a charge that is not booked', [], [line('p1', 5)], {}, { invoice: ['p1'] }],
    ['one micro-dollar', [entry('p1', 5)], [line('p1', 6)], {}, { different: ['p1'] }],
    ['a charge in two lines', [entry('p1', 5)], [line('p1', 9), line('p1', -4)], {}, { equal: 1 }],
    [
      'the ids of another provider',
      [
        entry('', 5, { key: 'prediction:fal:f1', provider: 'fal' }),
        entry('', 2, { key: 'prediction:c:1', provider: 'cog' }),
      ],
      [line('f1', 5), line('c:1', 2)],
      {},
      { equal: 2 },
    ],
    [
      'a charge with its adjustment',
      [entry('p1', 9), entry('', -4, { key: 'adjustment:prediction:p1', adjusts: 'prediction:p1' })],
      [line('p1', 5)],
      {},
      { equal: 1 },
    ],
    [
      'an adjustment at another provider, against the invoice',
      [
        entry('', 9, { key: 'prediction:fal:f1', provider: 'fal' }),
        entry('', 1, { key: 'adjustment:prediction:fal:f1', adjusts: 'prediction:fal:f1', provider: 'fal' }),
      ],
      [line('f1', 9)],
      {},
      { different: ['f1'] },
    ],
    ['a free line that is not booked', [], [line('p1', 0)], {}, { equal: 1 }],
    ['a free entry that is not billed', [entry('p1', 0)], [], {}, { equal: 1 }],
    ['an assumed charge', [entry('', 5, { key: 'purchase:clip.1', assumed: true })], [], {}, { ledger: ['clip.1'] }],
    ['an unpriced entry', [entry('p1', 0, { unpriced: true })], [line('p1', 5)], {}, { different: ['p1'] }],
    [
      'an entry of another month',
      [entry('p1', 5, { at: '2025-12-31T23:59:59.999Z' }), entry('p2', 5)],
      [line('p2', 5)],
      { from: '2026-01-01', to: '2026-01-31' },
      { equal: 1 },
    ],
    [
      'an entry of another month that the invoice has',
      [entry('p1', 5, { at: '2026-02-01T00:00:01Z' })],
      [line('p1', 5)],
      { from: '2026-01-01', to: '2026-01-31' },
      { equal: 1 },
    ],
    [
      'an entry of the last day',
      [entry('p1', 5, { at: '2026-01-31T23:59:59Z' })],
      [],
      { from: '2026-01-01', to: '2026-01-31' },
      { ledger: ['p1'] },
    ],
  ])('finds %s', (_name, ledger, invoice, period, expected) => {
    const compared = reconcile(ledger, invoice, period);
    expect(ids(compared)).toEqual({ ...all, ...expected });
    expect(agrees(compared)).toBe(compared.equal > 0 || ledger.length + invoice.length === 0);
  });

  it('is shown with sums', () => {
    const compared = reconcile(
      [entry('p1', 1_200_000), entry('p2', 300_000), entry('p4', 0, { unpriced: true })],
      [line('p2', 250_000), line('p3', 1), line('p4', 500_000)],
    );
    expect(reconcileText(compared)).toBe(
      [
        'Only in the ledger: 1, ledger $1.200000, invoice $0.000000',
        'ID  MODEL  LEDGER     INVOICE    GENERATION',
        'p1  a/b    $1.200000  $0.000000  gen_1',
        '',
        'Only in the invoice: 1, ledger $0.000000, invoice $0.000001',
        'ID  MODEL  LEDGER     INVOICE    GENERATION',
        'p3  a/b    $0.000000  $0.000001',
        '',
        'Different amounts: 2, ledger $0.300000, invoice $0.750000',
        'ID  MODEL  LEDGER     INVOICE    GENERATION',
        'p2  a/b    $0.300000  $0.250000  gen_1',
        'p4  a/b    $0.000000  $0.500000  gen_1 (no price in the ledger)',
        '',
        '0 equal; ledger $1.500000, invoice $0.750001, difference $0.749999',
      ].join('\n'),
    );
  });
});
