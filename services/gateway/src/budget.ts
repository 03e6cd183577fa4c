import {
  CancelRequested,
  cutText,
  type GenerationRecord,
  isFinal,
  message,
  type Outgoing,
  RetryRequested,
} from '@clipmesh/contracts';
import { type Account, ConflictError, type Stores, type Versioned } from '@clipmesh/persistence';
import {
  type AccountLine,
  type BudgetPeriod,
  changeAccount,
  type Estimate,
  lineOf,
  maxTotalMicros,
  periodEnd,
  periodOf,
  readAccount,
  reserve,
  type Reservation,
  settle,
} from '@clipmesh/pipeline';
import { dollars } from './generation.view.js';
import { IN_FLIGHT_MS, createdAtMs } from './idempotency.js';
import { ProblemError } from './problem.js';

export interface BudgetRules {
  /** Maximum spend of one owner in a period, micro-dollars. */
  readonly limitMicros: number;
  readonly period: BudgetPeriod;
}
type BudgetStores = Pick<Stores, 'accounts' | 'purchases' | 'generations' | 'ledger'>;

export const emptyAccount = (owner: string, period: string): Account => ({ owner, period, generations: {} });

/** A reservation in an owner's account. */
interface Reserved {
  readonly id: string;
  readonly owner: string;
  readonly period: string;
  readonly micros: number;
  readonly run: number;
  /** Id of the regenerate request that reserves. Default: none, for a create or a retry. */
  readonly request?: string | undefined;
}

/**
 * Reserves the maximum cost of a generation in its owner's account. An existing reservation stays as it is. Throws a 402 with
 * the amount left, the amount needed, and the end of the period.
 */
export async function reserveBudget(
  { accounts }: Pick<Stores, 'accounts'>,
  { limitMicros }: BudgetRules,
  { id, owner, period, micros, run, request }: Reserved,
): Promise<void> {
  let decided: Reservation<Account> | undefined;
  await changeAccount(accounts, emptyAccount(owner, period), id, (account) => {
    decided = reserve(account, id, { micros, limitMicros, run, request });
    return decided.accepted ? decided.account : undefined;
  });
  if (decided?.accepted === false) throw overBudget(owner, period, micros, decided.leftMicros);
}

/** Throws the 402 of {@link reserveBudget} when the amount does not fit the budget. Reserves nothing. */
export async function refuseOverBudget(
  { accounts }: Pick<Stores, 'accounts'>,
  { limitMicros }: BudgetRules,
  { id, owner, period, micros, run }: Reserved,
): Promise<void> {
  const account = await readAccount(accounts, emptyAccount(owner, period), id);
  const decided = reserve(account, id, { micros, limitMicros, run });
  if (!decided.accepted) throw overBudget(owner, period, micros, decided.leftMicros);
}

function overBudget(owner: string, period: string, needed: number, left: number): ProblemError {
  const ends = periodEnd(period).toISOString();
  return new ProblemError(
    402,
    'BUDGET_EXCEEDED',
    'The budget is too low',
    `the request may cost ${dollars(needed)} USD, and the budget of ${owner} has ${dollars(left)} USD left until ${ends}; set a lower maxCostUsd`,
    {
      extensions: {
        budget: 'owner',
        neededUsd: dollars(needed),
        leftUsd: dollars(left),
        periodEnds: ends,
        retryable: false,
        charged: false,
      },
    },
  );
}

/** Throws a 422 when a cap or a budget applies and the price of the language model is unknown. */
export function refuseUnpriced({ isLlmPriced }: Pick<Estimate, 'isLlmPriced'>, model: string, isCapped: boolean): void {
  if (isLlmPriced || !isCapped) return;
  throw new ProblemError(
    422,
    'PRICE_UNKNOWN',
    'The price of the language model is unknown',
    `the price of ${cutText(model, 100)} is unknown, so no budget can be enforced; the operator can set LLM_INPUT_PRICE_USD_PER_MTOK and LLM_OUTPUT_PRICE_USD_PER_MTOK, or omit maxCostUsd if there is no owner budget`,
    { extensions: { retryable: false, charged: false } },
  );
}

/** Throws a 402 when the lowest possible cost (first model, first try of every clip) exceeds the generation's cap. */
export function refuseLowCap(lowMicros: number, capMicros: number | undefined): void {
  if (capMicros === undefined || lowMicros <= capMicros) return;
  throw new ProblemError(
    402,
    'BUDGET_EXCEEDED',
    'The budget is too low',
    `the request costs at least ${dollars(lowMicros)} USD, and maxCostUsd is ${dollars(capMicros)}; raise it, or request fewer seconds or a cheaper model`,
    {
      extensions: {
        budget: 'generation',
        neededUsd: dollars(lowMicros),
        leftUsd: dollars(capMicros),
        retryable: false,
        charged: false,
      },
    },
  );
}

/** How a sweep repairs what a crash left of a reservation. */
type Repair =
  | 'none'
  /** The run has ended, or the generation does not exist. */
  | 'settle'
  /** It is for a retry that was not published. */
  | 'retry'
  /** It is for a regeneration whose run was not stored. */
  | 'release'
  /** A sweep settled it while its create was slow, and the create then stored the generation and crashed. */
  | 'reserve';
export function repairOf(
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
  if (!isFinal(status)) return 'none';
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
    const remains = repairOf(id, line, record, nowMs);
    if (remains === 'none') continue;
    // The line was read before the record: a reservation for a later run is not for this sweep.
    const run = record?.state.run ?? line.run;
    if (remains === 'settle') count += (await settleRun(deps.stores, { owner, period, id, run }, record)) ? 1 : 0;
    else if (remains === 'release') {
      if (entry === undefined || !(await fence(generations, entry, nowMs))) continue;
      const { request } = line;
      count += (await settleRun(deps.stores, { owner, period, id, run: line.run, of: { request } }, record)) ? 1 : 0;
    } else if (record !== undefined) {
      await repair(deps, record, remains, nowMs);
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
    if (record.account === undefined) continue;
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
  { accounts, purchases: attempts, ledger }: BudgetStores,
  { owner, period, id, run, of }: EndedRun,
  record: GenerationRecord | undefined,
): Promise<boolean> {
  const purchases = (await attempts.list(id)).map(({ value }) => value);
  const entries = await ledger.entries(id);
  const spentMicros = entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  const most = record === undefined ? spentMicros : maxTotalMicros(record.state, purchases, entries);
  let changed = false;
  await changeAccount(accounts, emptyAccount(owner, period), id, (account) => {
    // Another request has reserved since: its reservation stays.
    if (of !== undefined && account.generations[id]?.request !== of.request) return undefined;
    const settled = settle(account, id, { run, spentMicros, maxMicros: most });
    changed = settled !== account;
    return settled;
  });
  return changed;
}

/** Publishes the retry that has a reservation, or reserves for a run without one and cancels it when that fails. */
async function repair(
  { stores, rules, publish }: BudgetSweepDeps,
  { id, owner, account, state }: GenerationRecord,
  remains: 'retry' | 'reserve',
  nowMs: number,
): Promise<void> {
  const event = { generationId: id, at: new Date(nowMs).toISOString(), charges: [] };
  if (remains === 'retry') {
    await publish([message(RetryRequested, { ...event, run: state.run + 1 })]);
    return;
  }
  const micros = state.job.maxCostMicros ?? rules.limitMicros;
  const period = account?.period ?? periodOf(rules.period, new Date(createdAtMs(id)));
  try {
    await reserveBudget(stores, rules, { id, owner, period, micros, run: state.run });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    await publish([message(CancelRequested, { ...event, reason: 'the budget of its owner is too low' })]);
  }
}

/** The current period and the one before: a reservation may outlive its period. */
export function livePeriods(kind: BudgetPeriod, now: Date): string[] {
  const current = periodOf(kind, now);
  const [year = 0, month = 1, day = 1] = current.split('-').map(Number);
  return [current, periodOf(kind, new Date(Date.UTC(year, month - 1, day) - 1))];
}
