/** One generation in an owner's account. Amounts are in micro-dollars. */
export interface AccountLine {
  /** The maximum total cost of the generation while the line is open. */
  readonly reservedMicros: number;
  /** The sum of its ledger entries above zero. */
  readonly spentMicros: number;
  /** The sum of those below zero, without the sign. Both sums only grow. Default: 0. */
  readonly creditMicros?: number | undefined;
  readonly open: boolean;
  /** The latest run that reserved; 0 while it is unknown whether the generation is stored. */
  readonly run: number;
  /** The request to regenerate a scene that reserved for `run`. Default: none; a create or a retry reserved. */
  readonly request?: string | undefined;
}
/** The part of an account that determines its sums. */
export interface AccountLines<Line extends AccountLine = AccountLine> {
  generations: Record<string, Line>;
  /** The spending of the lines that were moved out of the account, micro-dollars. Default: 0. */
  settledMicros?: number | undefined;
}
/** A settled line that was moved out of its account. Only its spending counts. */
export type SettledLine = Pick<AccountLine, 'spentMicros' | 'creditMicros' | 'run'>;
/** The sums of the ledger entries of a generation. */
export type Spending = Pick<AccountLine, 'spentMicros' | 'creditMicros'>;

/** The sums of these entries. */
export function spendingOf(entries: readonly { readonly amountMicros: number }[]): Spending {
  const amounts = entries.map(({ amountMicros }) => amountMicros);
  const creditMicros = amounts.reduce((sum, amount) => sum + Math.max(0, -amount), 0);
  return withCredit({ spentMicros: amounts.reduce((sum, amount) => sum + Math.max(0, amount), 0) }, creditMicros);
}

/** What a generation has cost, micro-dollars. */
export const netMicros = ({ spentMicros, creditMicros = 0 }: Spending): number => spentMicros - creditMicros;

const withCredit = <T extends object>(of: T, creditMicros: number): T & { creditMicros?: number } =>
  creditMicros === 0 ? of : { ...of, creditMicros };

export type Reservation<A> =
  { readonly accepted: true; readonly account: A } | { readonly accepted: false; readonly leftMicros: number };

const committedMicros = (line: AccountLine): number =>
  line.open ? Math.max(line.reservedMicros, netMicros(line)) : netMicros(line);

/** Micro-dollars that an owner has spent and reserved. Never exceeds the limit that reservations were checked against. */
export function committed({ generations, settledMicros = 0 }: AccountLines): number {
  return Object.values(generations).reduce((sum, line) => sum + committedMicros(line), settledMicros);
}

/** Micro-dollars spent, and reserved beyond that. */
export function sumsOf(account: AccountLines): { spentMicros: number; reservedMicros: number } {
  const lines = Object.values(account.generations);
  const spentMicros = lines.reduce((sum, line) => sum + netMicros(line), account.settledMicros ?? 0);
  return { spentMicros, reservedMicros: committed(account) - spentMicros };
}

/** What a reservation asks for. */
export interface ReservationRequest {
  /** The maximum total cost of the generation. */
  readonly micros: number;
  readonly limitMicros: number;
  readonly run: number;
  /** The request to regenerate a scene that reserves. Default: none; a create or a retry reserves. */
  readonly request?: string | undefined;
}

/**
 * Reserves money for a generation, for the first time or again. An open reservation of at least the same amount stays, and
 * is marked with the new run and request, so that a settlement of an earlier run cannot close it. A reservation made by a
 * retry keeps belonging to the retry, which runs even when its client is gone.
 */
export function reserve<A extends AccountLines>(account: A, id: string, wanted: ReservationRequest): Reservation<A> {
  const { micros, limitMicros, run } = wanted;
  const line = account.generations[id];
  const latest = Math.max(run, line?.run ?? 0);
  const isReservedByRetry = line?.open === true && line.run >= run && line.request === undefined;
  const request = isReservedByRetry ? undefined : wanted.request;
  const mark = request === undefined ? {} : { request };
  if (line?.open === true && line.reservedMicros >= micros) {
    if (line.run === latest && line.request === request) return { accepted: true, account };
    const { request: _previous, ...kept } = line;
    return { accepted: true, account: withLine(account, id, { ...kept, run: latest, ...mark }) };
  }
  const { [id]: _own, ...others } = account.generations;
  const leftMicros = limitMicros - committed({ ...account, generations: others });
  const { spentMicros = 0, creditMicros = 0 } = line ?? {};
  const spent = withCredit({ spentMicros }, creditMicros);
  if (Math.max(micros, netMicros(spent)) > leftMicros) return { accepted: false, leftMicros: Math.max(0, leftMicros) };
  return {
    accepted: true,
    account: withLine(account, id, { reservedMicros: micros, ...spent, open: true, run: latest, ...mark }),
  };
}

/** Sets what a generation has cost so far. The ledger only grows, so smaller sums change nothing. */
export function observe<A extends AccountLines>(account: A, id: string, now: Spending): A {
  const line = account.generations[id];
  if (line === undefined) return account;
  const spentMicros = Math.max(line.spentMicros, now.spentMicros);
  const creditMicros = Math.max(line.creditMicros ?? 0, now.creditMicros ?? 0);
  if (spentMicros === line.spentMicros && creditMicros === (line.creditMicros ?? 0)) return account;
  return withLine(account, id, withCredit({ ...line, spentMicros }, creditMicros));
}

/** What is known about a run that has ended. */
export interface RunEnd extends Spending {
  readonly run: number;
  /** The maximum total once purchases with an unknown outcome are settled; at most what is spent when there are none. */
  readonly maxMicros: number;
}

/**
 * Settles a reservation: releases what can no longer be spent. The line stays open for what may still be charged, and is
 * unchanged when a later run reserved.
 */
export function settle<A extends AccountLines>(account: A, id: string, { run, maxMicros, ...now }: RunEnd): A {
  const observed = observe(account, id, now);
  const line = observed.generations[id];
  if (line?.open !== true || line.run > run) return observed;
  if (maxMicros <= netMicros(line)) return withLine(observed, id, { ...line, open: false });
  if (maxMicros >= line.reservedMicros) return observed;
  return withLine(observed, id, { ...line, reservedMicros: maxMicros });
}

function withLine<A extends AccountLines>(account: A, id: string, line: AccountLine): A {
  return { ...account, generations: { ...account.generations, [id]: line } };
}

/** Maximum number of lines that one move takes out of an account. */
const MAX_LINES_PER_MOVE = 64;

/**
 * The ids of the settled lines to move out of an account, oldest first, at most 64. None while the account has at most
 * `kept` settled lines. Otherwise all but half of `kept`, so that one move covers many settlements.
 */
export function surplusOf({ generations }: AccountLines, kept: number): string[] {
  const settled = Object.keys(generations)
    .filter((id) => generations[id]?.open === false)
    .sort();
  if (settled.length <= kept) return [];
  return settled.slice(0, Math.min(settled.length - Math.floor(kept / 2), MAX_LINES_PER_MOVE));
}

/** The account without these lines. Its sums do not change. */
export function moveOut<A extends AccountLines>(account: A, ids: readonly string[]): A {
  const out = new Set(ids);
  const entries = Object.entries(account.generations);
  const moved = entries.filter(([id]) => out.has(id)).reduce((sum, [, line]) => sum + netMicros(line), 0);
  const generations = Object.fromEntries(entries.filter(([id]) => !out.has(id)));
  return { ...account, generations, settledMicros: (account.settledMicros ?? 0) + moved };
}

/** The account with a line that was moved out. Its sums do not change. */
export function moveIn<A extends AccountLines>(account: A, id: string, settled: SettledLine): A {
  const { spentMicros, creditMicros = 0, run } = settled;
  const line = withCredit({ reservedMicros: 0, spentMicros, open: false, run }, creditMicros);
  const settledMicros = Math.max(0, (account.settledMicros ?? 0) - netMicros(settled));
  return { ...withLine(account, id, line), settledMicros };
}

export type BudgetPeriod = 'day' | 'month';

/** The period that contains a time, UTC: `YYYY-MM-DD` or `YYYY-MM`. */
export function periodOf(kind: BudgetPeriod, at: Date): string {
  return at.toISOString().slice(0, kind === 'day' ? 10 : 7);
}

/** The first moment after a period. */
export function periodEnd(period: string): Date {
  const [year = 0, month = 1, day] = period.split('-').map(Number);
  return new Date(day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1));
}
