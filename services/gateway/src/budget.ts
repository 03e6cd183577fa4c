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
  /** Most that one owner may spend in a period, micro-dollars. */
  readonly limitMicros: number;
  readonly period: BudgetPeriod;
}
type BudgetStores = Pick<Stores, 'accounts' | 'attempts' | 'generations' | 'ledger'>;

export const emptyAccount = (owner: string, period: string): Account => ({ owner, period, generations: {} });

/** What is reserved, and in whose account. */
interface Reserved {
  readonly id: string;
  readonly owner: string;
  readonly period: string;
  readonly micros: number;
  readonly run: number;
  /** The request to regenerate a scene that reserves. Default: none, a create or a retry. */
  readonly request?: string | undefined;
}

/**
 * Reserves the most that a generation may cost in its owner's account; one that has its reservation keeps it. Throws a 402
 * that tells what is left, what is needed, and when the period ends.
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

/** The same 402 where that could not be reserved now; reserves nothing. */
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
    'The budget does not allow it',
    `this may cost ${dollars(needed)} USD, and ${dollars(left)} USD are left of the budget of ${owner} until ${ends}; a lower maxCostUsd needs less`,
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

/** A 422 when a cap or a budget would have to count a language model whose price is not known. */
export function refuseUnpriced({ isLlmPriced }: Pick<Estimate, 'isLlmPriced'>, model: string, isCapped: boolean): void {
  if (isLlmPriced || !isCapped) return;
  throw new ProblemError(
    422,
    'PRICE_UNKNOWN',
    'The price of the language model is not known',
    `no budget can hold while the price of ${cutText(model, 100)} is not known; the operator sets LLM_INPUT_PRICE_USD_PER_MTOK and LLM_OUTPUT_PRICE_USD_PER_MTOK, or leave out maxCostUsd where no budget is set`,
    { extensions: { retryable: false, charged: false } },
  );
}

/** A 402 when a generation is over its own cap although its first model makes every clip at the first try. */
export function refuseLowCap(lowMicros: number, capMicros: number | undefined): void {
  if (capMicros === undefined || lowMicros <= capMicros) return;
  throw new ProblemError(
    402,
    'BUDGET_EXCEEDED',
    'The budget does not allow it',
    `this costs ${dollars(lowMicros)} USD or more, and maxCostUsd is ${dollars(capMicros)}; raise it, or ask for fewer seconds or a cheaper model`,
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

/** What a crash left of a reservation. */
type Repair =
  | 'none'
  /** Its run has ended, or its generation is not there. */
  | 'settle'
  /** It was made for a retry that was not sent. */
  | 'retry'
  /** It was made for a run that was not stored: a scene was to be regenerated. */
  | 'release'
  /** A sweep took its create for dead, which then went on and died. */
  | 'reserve';
export function repairOf(
  id: string,
  line: Pick<AccountLine, 'open' | 'run' | 'request'>,
  record: GenerationRecord | undefined,
  nowMs: number,
): Repair {
  if (record === undefined) {
    // One that was known to be stored was removed since.
    const isDead = line.run > 0 || nowMs - createdAtMs(id) > IN_FLIGHT_MS;
    return line.open && isDead ? 'settle' : 'none';
  }
  const { status, run } = record.state;
  if (!line.open) return line.run === 0 && !isFinal(status) ? 'reserve' : 'none';
  if (!isFinal(status)) return 'none';
  if (line.run <= run) return 'settle';
  // Whoever begins the run has written the record just before.
  if (nowMs - Date.parse(record.updatedAt) <= IN_FLIGHT_MS) return 'none';
  // What a regenerate reserved is no retry: nobody requested one.
  return status === 'failed' && line.request === undefined ? 'retry' : 'release';
}

export interface BudgetSweepDeps {
  readonly stores: BudgetStores;
  readonly rules: BudgetRules;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
}

/**
 * One look for reservations whose generation never came to exist, has ended, or waits for a retry that was not sent. Any
 * number of replicas may look: what is done twice changes nothing. Says how many were put right.
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
    // Looked at before the record: a reservation for a later run is none of this look's business.
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

/** Makes a request fail that is about to begin a run of this generation; false when it has begun it, or another change came. */
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
 * Reserves for every run that has begun without: whoever began it died before it did. Says how many were put right; one that
 * there is no money for is stopped.
 */
export async function sweepUnreserved(deps: BudgetSweepDeps, nowMs: number): Promise<number> {
  const { accounts, generations } = deps.stores;
  let count = 0;
  for (const record of await generations.unfinished()) {
    if (record.account === undefined) continue;
    const line = await lineOf(accounts, emptyAccount(record.owner, record.account.period), record.id);
    if (line === undefined || line.run >= record.state.run) continue;
    // A first run has its money before it is stored. Of a later one an open line is what the run before has in doubt.
    if (line.open && record.state.run === 1) continue;
    // Whoever begins it is about to reserve, and takes it back where there is no money: the film of before is there then.
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
  /** Only what this request reserved. Default: whatever is reserved. */
  readonly of?: Pick<AccountLine, 'request'>;
}

/** Releases what a run that has ended can no longer spend; false when that is nothing. */
async function settleRun(
  { accounts, attempts, ledger }: BudgetStores,
  { owner, period, id, run, of }: EndedRun,
  record: GenerationRecord | undefined,
): Promise<boolean> {
  const purchases = (await attempts.list(id)).map(({ value }) => value);
  const entries = await ledger.entries(id);
  const spentMicros = entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  const most = record === undefined ? spentMicros : maxTotalMicros(record.state, purchases, entries);
  let changed = false;
  await changeAccount(accounts, emptyAccount(owner, period), id, (account) => {
    // Another request has reserved since: that is its own money.
    if (of !== undefined && account.generations[id]?.request !== of.request) return undefined;
    const settled = settle(account, id, { run, spentMicros, maxMicros: most });
    changed = settled !== account;
    return settled;
  });
  return changed;
}

/** Sends the retry that money was reserved for; reserves for what runs without, and stops it where there is none. */
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
    await publish([message(CancelRequested, { ...event, reason: 'the budget of its owner does not allow it' })]);
  }
}

/** This period and the one before: a reservation outlives its period's end. */
export function livePeriods(kind: BudgetPeriod, now: Date): string[] {
  const current = periodOf(kind, now);
  const [year = 0, month = 1, day = 1] = current.split('-').map(Number);
  return [current, periodOf(kind, new Date(Date.UTC(year, month - 1, day) - 1))];
}
