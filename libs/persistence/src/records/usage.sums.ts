import { type LedgerEntry, type UsageRow } from '../ports/ledger.port.js';

/** Sums the entries of an owner by UTC day, stage, model and unit. Both days are inclusive. */
export function sumUsage(entries: readonly LedgerEntry[], owner: string, fromDay: string, toDay: string): UsageRow[] {
  const rows = new Map<string, UsageRow>();
  for (const entry of entries) {
    const day = entry.at.slice(0, 10);
    if (entry.owner !== owner || day < fromDay || day > toDay) continue;
    const { kind, stage, model, unit, quantity, amountMicros } = entry;
    const key = keyOf({ day, stage, model, unit });
    const sum = rows.get(key) ?? { day, stage, model, unit, count: 0, quantity: 0, amountMicros: 0 };
    rows.set(key, {
      ...sum,
      count: sum.count + (kind === 'adjustment' ? 0 : 1),
      quantity: sum.quantity + quantity,
      amountMicros: sum.amountMicros + amountMicros,
    });
  }
  return normalizeUsage([...rows.values()]);
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** The UTC days (`YYYY-MM-DD`) of a range, both ends inclusive. Empty if `toDay` is before `fromDay`. */
export function daysBetween(fromDay: string, toDay: string): string[] {
  const days: string[] = [];
  const toMs = Date.parse(toDay);
  for (let ms = Date.parse(fromDay); ms <= toMs; ms += DAY_MS) days.push(new Date(ms).toISOString().slice(0, 10));
  return days;
}

/** Sorts rows and rounds quantities to a millionth, so that the result does not depend on the order of summation. */
export function normalizeUsage(rows: readonly UsageRow[]): UsageRow[] {
  return rows
    .map((row) => ({ ...row, quantity: Math.round(row.quantity * 1e6) / 1e6 }))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ day, stage, model, unit }: Pick<UsageRow, 'day' | 'stage' | 'model' | 'unit'>): string =>
  JSON.stringify([day, stage, model, unit]);
