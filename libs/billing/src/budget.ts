import {
  CancelRequested,
  ConflictError,
  createdAtMs,
  type GenerationRecord,
  type GenerationState,
  isDraft,
  isDrafted,
  isFinal,
  message,
  type Outgoing,
  RetryRequested,
  type Versioned,
} from '@clipmesh/contracts';
import { maxTotalMicros } from './account.bound.js';
import {
  type AccountLine,
  type BudgetPeriod,
  netMicros,
  periodOf,
  type Reservation,
  reserve,
  settle,
  spendingOf,
} from './account.js';
import { changeAccount, lineOf } from './account.repository.js';
import { type BudgetStores, type StoredAccount } from './budget.stores.js';

export interface BudgetRules {
  /** Maximum spend of one owner in a period, micro-dollars. */
  readonly limitMicros: number;
  readonly period: BudgetPeriod;
}

export const emptyAccount = (owner: string, period: string): StoredAccount => ({ owner, period, generations: {} });

/** A reservation in an owner's account. */
export interface Reserved {
  readonly id: string;
  readonly owner: string;
  readonly period: string;
  readonly micros: number;
  readonly run: number;
  /** Id of the regenerate request that reserves. Default: none, for a create or a retry. */
  readonly request?: string | undefined;
}

/** The most that a generation can cost in its current run, micro-dollars. A draft buys only its plan. */
const runMicros = (state: GenerationState, { limitMicros }: BudgetRules): number =>
  isDraft(state) ? (state.job.planMaxMicros ?? 0) : (state.job.maxCostMicros ?? limitMicros);

/** What a run of a generation reserves. Undefined for a generation without an account: its owner had no budget. */
export function reservedFor(
  { id, owner, account, state }: GenerationRecord,
  rules: BudgetRules,
  { run, request }: Pick<Reserved, 'run' | 'request'>,
): Reserved | undefined {
  if (account === undefined) return undefined;
  return { id, owner, period: account.period, micros: runMicros(state, rules), run, request };
}

/** How a sweep repairs what a crash left of a reservation. */
type Repair =
  | 'none'
  /** The run has ended, or the generation does not exist. */
  | 'settle'
  /** It is for a retry that was not published. */
  | 'retry'
  /** It is for a regeneration or an approval whose run was not stored. */
  | 'release'
  /** A sweep settled it while its create was slow, and the create then stored the generation and crashed. */
  | 'reserve';
function repairOf(
  id: string,
  line: Pick<AccountLine, 'open' | 'run' | 'request'>,
  record: GenerationRecord | undefined,
  nowMs: number,
): Repair {
  if (record === undefined) {
    // A line with a run belongs to a generation that was stored, and has been removed since.
    const isAbandoned = line.run > 0 || nowMs - createdAtMs(id) > IN_FLIGHT_MS;
    return line.open && isAbandoned ? 'settle' : 'none';
  }
  const { status, run } = record.state;
  if (!line.open) return line.run === 0 && !isFinal(status) ? 'reserve' : 'none';
  if (!isFinal(status) && !isDrafted(record.state)) return 'none';
  if (line.run <= run) return 'settle';
  // The request that starts the run has just written the record.
  if (nowMs - Date.parse(record.updatedAt) <= IN_FLIGHT_MS) return 'none';
  // A reservation of a regenerate must not start a retry: nobody requested one.
  return status === 'failed' && line.request === undefined ? 'retry' : 'release';
}

export interface BudgetSweepDeps {
  readonly stores: BudgetStores;
  readonly rules: BudgetRules;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
}

/**
 * One sweep for reservations whose generation was never stored, has ended, or waits for a retry that was not published. Safe
 * to run at several replicas at once: every repair is idempotent. Returns the number of repairs.
 */
export async function sweepAccount(
  deps: BudgetSweepDeps,
  owner: string,
  period: string,
  nowMs: number,
): Promise<number> {
  const { accounts, generations } = deps.stores;
  const found = await accounts.get(owner, period);
  let count = 0;
  for (const [id, line] of Object.entries(found?.value.generations ?? {})) {
    if (!line.open && line.run > 0) continue;
    const entry = await generations.get(id);
    const record = entry?.value;
    const wanted = repairOf(id, line, record, nowMs);
    if (wanted === 'none') continue;
    // The line was read before the record: a reservation for a later run is not for this sweep.
    const run = record?.state.run ?? line.run;
    if (wanted === 'settle') count += (await settleRun(deps.stores, { owner, period, id, run }, record)) ? 1 : 0;
    else if (wanted === 'release') {
      if (entry === undefined || !(await fence(generations, entry, nowMs))) continue;
      const { request } = line;
      count += (await settleRun(deps.stores, { owner, period, id, run: line.run, of: { request } }, record)) ? 1 : 0;
    } else if (record !== undefined) {
      await repair(deps, record, wanted, nowMs);
      count += 1;
    }
  }
  return count;
}

/**
 * Writes the record, so that a request that is about to start a run fails with a conflict. False when the record has changed:
 * the run has started, or there was another change.
 */
async function fence(
  generations: BudgetStores['generations'],
  { value, revision }: Versioned<GenerationRecord>,
  nowMs: number,
): Promise<boolean> {
  try {
    await generations.save({ ...value, updatedAt: new Date(nowMs).toISOString() }, revision);
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}

/**
 * Reserves for every run that started without a reservation, because its request crashed in between. Cancels a run that does
 * not fit the budget. Returns the number of repairs.
 */
export async function sweepUnreserved(deps: BudgetSweepDeps, nowMs: number): Promise<number> {
  const { accounts, generations } = deps.stores;
  let count = 0;
  for (const record of await generations.unfinished()) {
    // A draft reserves for its first run only: no later one buys anything.
    if (record.account === undefined || isDraft(record.state)) continue;
    const line = await lineOf(accounts, emptyAccount(record.owner, record.account.period), record.id);
    if (line === undefined || line.run >= record.state.run) continue;
    // A first run has its reservation before it is stored. For a later run, an open line covers unknown outcomes of the run
    // before.
    if (line.open && record.state.run === 1) continue;
    // The request that starts the run is about to reserve, and rolls back if it cannot: the previous video is kept then.
    if (nowMs - Date.parse(record.updatedAt) <= IN_FLIGHT_MS) continue;
    await repair(deps, record, 'reserve', nowMs);
    count += 1;
  }
  return count;
}

interface EndedRun {
  readonly owner: string;
  readonly period: string;
  readonly id: string;
  readonly run: number;
  /** Release only the reservation of this request. Default: any reservation. */
  readonly of?: Pick<AccountLine, 'request'>;
}

/** Releases what an ended run can no longer spend. False when that is nothing. */
async function settleRun(
  { accounts, purchases, ledger }: BudgetStores,
  { owner, period, id, run, of }: EndedRun,
  record: GenerationRecord | undefined,
): Promise<boolean> {
  const known = (await purchases.list(id)).map(({ value }) => value);
  const entries = await ledger.entries(id);
  const spent = spendingOf(entries);
  const maxMicros = record === undefined ? netMicros(spent) : maxTotalMicros(record.state, known, entries);
  let changed = false;
  await changeAccount(accounts, emptyAccount(owner, period), id, (account) => {
    // Another request has reserved since: its reservation stays.
    if (of !== undefined && account.generations[id]?.request !== of.request) return undefined;
    const settled = settle(account, id, { run, ...spent, maxMicros });
    changed = settled !== account;
    return settled;
  });
  return changed;
}

/** Publishes the retry that has a reservation, or reserves for a run without one and cancels it when that fails. */
async function repair(
  { stores, rules, publish }: BudgetSweepDeps,
  { id, owner, account, state }: GenerationRecord,
  wanted: 'retry' | 'reserve',
  nowMs: number,
): Promise<void> {
  const event = { generationId: id, at: new Date(nowMs).toISOString(), charges: [] };
  if (wanted === 'retry') {
    await publish([message(RetryRequested, { ...event, run: state.run + 1 })]);
    return;
  }
  const micros = runMicros(state, rules);
  const period = account?.period ?? periodOf(rules.period, new Date(createdAtMs(id)));
  const decided = await reserveInAccount(stores, rules, { id, owner, period, micros, run: state.run });
  if (decided?.accepted === false) {
    await publish([message(CancelRequested, { ...event, reason: 'the budget of its owner is too low' })]);
  }
}

/** The current period and the one before: a reservation may outlive its period. */
export function livePeriods(kind: BudgetPeriod, now: Date): string[] {
  const current = periodOf(kind, now);
  const [year = 0, month = 1, day = 1] = current.split('-').map(Number);
  return [current, periodOf(kind, new Date(Date.UTC(year, month - 1, day) - 1))];
}

/** Maximum duration of a create, ms. An older claim without a generation was left by a crash. */
export const IN_FLIGHT_MS = 15_000;

/**
 * Reserves the maximum cost of a run in its owner's account. A run that already has its reservation keeps it. Returns the
 * decision; undefined when nothing had to be decided.
 */
export async function reserveInAccount(
  { accounts }: Pick<BudgetStores, 'accounts'>,
  { limitMicros }: BudgetRules,
  { id, owner, period, micros, run, request }: Reserved,
): Promise<Reservation<StoredAccount> | undefined> {
  let decided: Reservation<StoredAccount> | undefined;
  await changeAccount(accounts, emptyAccount(owner, period), id, (account) => {
    decided = reserve(account, id, { micros, limitMicros, run, request });
    return decided.accepted ? decided.account : undefined;
  });
  return decided;
}
