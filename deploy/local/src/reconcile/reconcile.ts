/** One line of a provider's invoice. */
export interface InvoiceLine {
  /** The provider's id of what it charges. */
  readonly id: string;
  readonly model: string;
  readonly amountMicros: number;
  /** UTC. Undefined: the invoice does not say. */
  readonly day?: string | undefined;
}
/** The fields of a ledger entry that a comparison needs. */
export interface LedgerLine {
  /** `prediction:<id>`, `prediction:<provider>:<id>` and the like. Entries of one id are summed. */
  readonly key: string;
  /** The key of the charge that this entry adjusts. */
  readonly adjusts?: string | undefined;
  readonly provider: string;
  readonly generationId: string;
  readonly model: string;
  readonly amountMicros: number;
  readonly unpriced?: true | undefined;
  readonly assumed?: true | undefined;
  /** UTC. */
  readonly at: string;
}
/** Days, both inclusive, `YYYY-MM-DD`. */
export interface Period {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** The sums of one id. */
export interface ComparedLine {
  readonly id: string;
  readonly model: string;
  readonly ledgerMicros: number;
  readonly invoiceMicros: number;
  readonly generationIds: readonly string[];
  /** True: the ledger has it without a price. */
  readonly unpriced: boolean;
  /** True: the ledger has its highest price, because the provider could not say what it cost. */
  readonly assumed: boolean;
}
/** The comparison of a ledger with an invoice. Each list is sorted by id. */
export interface Reconciliation {
  readonly onlyInLedger: readonly ComparedLine[];
  readonly onlyInInvoice: readonly ComparedLine[];
  readonly different: readonly ComparedLine[];
  /** Number of ids with equal amounts. */
  readonly equal: number;
  readonly ledgerMicros: number;
  readonly invoiceMicros: number;
}

/** The provider's id of what a charge or its adjustment is for, from the key of the charge. */
export function paidIdOf({ key, adjusts = key, provider }: Pick<LedgerLine, 'key' | 'adjusts' | 'provider'>): string {
  const named = adjusts.slice(adjusts.indexOf(':') + 1);
  return named.startsWith(`${provider}:`) ? named.slice(provider.length + 1) : named;
}

/**
 * Compares a provider's invoice with the ledger's entries for that provider, id by id. An id that costs nothing on one side, and is
 * not on the other, is equal. An entry outside the period counts only when the invoice has its id.
 */
export function reconcile(
  ledger: readonly LedgerLine[],
  invoice: readonly InvoiceLine[],
  { from = '', to = '~' }: Period = {},
): Reconciliation {
  const billed = groupBy(invoice, ({ id }) => id);
  const booked = groupBy(
    ledger.filter((entry) => {
      const day = entry.at.slice(0, 10);
      return billed.has(paidIdOf(entry)) || (day >= from && day <= to);
    }),
    paidIdOf,
  );
  const lines = [...new Set([...booked.keys(), ...billed.keys()])].sort().map((id): ComparedLine => {
    const entries = booked.get(id) ?? [];
    const charges = billed.get(id) ?? [];
    return {
      id,
      model: entries[0]?.model ?? charges[0]?.model ?? '',
      ledgerMicros: sumOf(entries),
      invoiceMicros: sumOf(charges),
      generationIds: [...new Set(entries.map(({ generationId }) => generationId))],
      unpriced: entries.some(({ unpriced }) => unpriced === true),
      assumed: entries.some(({ assumed }) => assumed === true),
    };
  });
  const unequal = lines.filter(({ ledgerMicros, invoiceMicros }) => ledgerMicros !== invoiceMicros);
  return {
    onlyInLedger: unequal.filter(({ id }) => !billed.has(id)),
    onlyInInvoice: unequal.filter(({ id }) => !booked.has(id)),
    different: unequal.filter(({ id }) => billed.has(id) && booked.has(id)),
    equal: lines.length - unequal.length,
    ledgerMicros: lines.reduce((sum, line) => sum + line.ledgerMicros, 0),
    invoiceMicros: lines.reduce((sum, line) => sum + line.invoiceMicros, 0),
  };
}

function groupBy<T>(all: readonly T[], nameOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(nameOf(one));
    if (group === undefined) groups.set(nameOf(one), [one]);
    else group.push(one);
  }
  return groups;
}

const sumOf = (lines: readonly { readonly amountMicros: number }[]): number =>
  lines.reduce((sum, { amountMicros }) => sum + amountMicros, 0);

/** Whether the ledger and the invoice agree. */
export const agrees = ({ onlyInLedger, onlyInInvoice, different }: Reconciliation): boolean =>
  onlyInLedger.length + onlyInInvoice.length + different.length === 0;
