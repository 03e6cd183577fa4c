/** One generation in an owner's account, micro-dollars. */
export interface AccountLine {
  /** The most that it may come to in all, as long as it is open. */
  readonly reservedMicros: number;
  /** The sum of its ledger entries. */
  readonly spentMicros: number;
  readonly open: boolean;
  /** The latest run that the promise was made for; 0 while the generation is not known to be stored. */
  readonly run: number;
  /** The request to regenerate a scene that reserved for `run`. Default: none, a create or a retry reserved. */
  readonly request?: string | undefined;
}
/** The part of an account that its sums depend on. */
export interface Lines<Line extends AccountLine = AccountLine> {
  generations: Record<string, Line>;
  /** What the lines that were moved out of the account have spent, micro-dollars. Default: 0. */
  settledMicros?: number | undefined;
}
/** A line that was moved out of its account: it has ended, and only what it spent counts. */
export type SettledLine = Pick<AccountLine, 'spentMicros' | 'run'>;

export type Reservation<A> =
  { readonly accepted: true; readonly account: A } | { readonly accepted: false; readonly leftMicros: number };

const heldBy = ({ open, reservedMicros, spentMicros }: AccountLine): number =>
  open ? Math.max(reservedMicros, spentMicros) : spentMicros;

/** What an owner has promised and spent: never more than the limit that reservations were made against. */
export function committed({ generations, settledMicros = 0 }: Lines): number {
  return Object.values(generations).reduce((sum, line) => sum + heldBy(line), settledMicros);
}

/** Spent, and promised beyond that. */
export function sumsOf(account: Lines): { spentMicros: number; reservedMicros: number } {
  const lines = Object.values(account.generations);
  const spentMicros = lines.reduce((sum, line) => sum + line.spentMicros, account.settledMicros ?? 0);
  return { spentMicros, reservedMicros: committed(account) - spentMicros };
}

/** What a promise is asked for. */
export interface Wanted {
  /** The most that the generation may come to in all. */
  readonly micros: number;
  readonly limitMicros: number;
  readonly run: number;
  /** The request to regenerate a scene that reserves. Default: none, a create or a retry. */
  readonly request?: string | undefined;
}

/**
 * Promises a generation its money, for the first time or again. One that has an open promise of as much keeps it, and it is
 * noted for which run and request: whoever has looked at an earlier one cannot end it any more. A retry's reservation stays
 * that of the retry, which runs even when its client is gone.
 */
export function reserve<A extends Lines>(account: A, id: string, wanted: Wanted): Reservation<A> {
  const { micros, limitMicros, run } = wanted;
  const line = account.generations[id];
  const latest = Math.max(run, line?.run ?? 0);
  const isOfRetry = line?.open === true && line.run >= run && line.request === undefined;
  const request = isOfRetry ? undefined : wanted.request;
  const mark = request === undefined ? {} : { request };
  if (line?.open === true && line.reservedMicros >= micros) {
    if (line.run === latest && line.request === request) return { accepted: true, account };
    const { request: _former, ...kept } = line;
    return { accepted: true, account: withLine(account, id, { ...kept, run: latest, ...mark }) };
  }
  const { [id]: _own, ...others } = account.generations;
  const leftMicros = limitMicros - committed({ ...account, generations: others });
  const spentMicros = line?.spentMicros ?? 0;
  if (Math.max(micros, spentMicros) > leftMicros) return { accepted: false, leftMicros: Math.max(0, leftMicros) };
  return {
    accepted: true,
    account: withLine(account, id, { reservedMicros: micros, spentMicros, open: true, run: latest, ...mark }),
  };
}

/** Sets what a generation has cost so far. The ledger only grows, so an older sum that comes late changes nothing. */
export function observe<A extends Lines>(account: A, id: string, spentMicros: number): A {
  const line = account.generations[id];
  if (line === undefined || line.spentMicros >= spentMicros) return account;
  return withLine(account, id, { ...line, spentMicros });
}

/** What is known of a run that has ended. */
export interface RunEnd {
  readonly run: number;
  readonly spentMicros: number;
  /** The most that purchases whose price is not known yet may bring it to; no more than what was spent when there are none. */
  readonly mostMicros: number;
}

/**
 * Ends a promise: what can no longer be spent of it is free again. It stays open over what may still be charged, and whole
 * when it was made for a later run.
 */
export function settle<A extends Lines>(account: A, id: string, { run, spentMicros, mostMicros }: RunEnd): A {
  const seen = observe(account, id, spentMicros);
  const line = seen.generations[id];
  if (line?.open !== true || line.run > run) return seen;
  if (mostMicros <= line.spentMicros) return withLine(seen, id, { ...line, open: false });
  if (mostMicros >= line.reservedMicros) return seen;
  return withLine(seen, id, { ...line, reservedMicros: mostMicros });
}

function withLine<A extends Lines>(account: A, id: string, line: AccountLine): A {
  return { ...account, generations: { ...account.generations, [id]: line } };
}

/** Lines that are moved out of an account at once. */
const MOVED_AT_ONCE = 64;

/**
 * The ids of the settled lines that leave an account, oldest first: none while it has at most `kept` of them, else all but
 * half as many, so that a move happens once for many ends. At most 64.
 */
export function surplusOf({ generations }: Lines, kept: number): string[] {
  const settled = Object.keys(generations)
    .filter((id) => generations[id]?.open === false)
    .sort();
  if (settled.length <= kept) return [];
  return settled.slice(0, Math.min(settled.length - Math.floor(kept / 2), MOVED_AT_ONCE));
}

/** The account without these lines; its sums do not change. */
export function moveOut<A extends Lines>(account: A, ids: readonly string[]): A {
  const out = new Set(ids);
  const entries = Object.entries(account.generations);
  const moved = entries.filter(([id]) => out.has(id)).reduce((sum, [, line]) => sum + line.spentMicros, 0);
  const generations = Object.fromEntries(entries.filter(([id]) => !out.has(id)));
  return { ...account, generations, settledMicros: (account.settledMicros ?? 0) + moved };
}

/** The account with a line that was moved out; its sums do not change. */
export function moveIn<A extends Lines>(account: A, id: string, { spentMicros, run }: SettledLine): A {
  const line = { reservedMicros: 0, spentMicros, open: false, run };
  const settledMicros = Math.max(0, (account.settledMicros ?? 0) - spentMicros);
  return { ...withLine(account, id, line), settledMicros };
}

export const BUDGET_PERIODS = ['day', 'month'] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** The period that holds a time, UTC: `YYYY-MM-DD` or `YYYY-MM`. */
export function periodOf(kind: BudgetPeriod, at: Date): string {
  return at.toISOString().slice(0, kind === 'day' ? 10 : 7);
}

/** The first moment after a period. */
export function periodEnd(period: string): Date {
  const [year = 0, month = 1, day] = period.split('-').map(Number);
  return new Date(day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1));
}
