import { type GenerationRecord, isFinal, message, type Outgoing, RetryRequested } from '@clipmesh/contracts';
import { type Account, type Stores } from '@clipmesh/persistence';
import {
  type BudgetPeriod,
  changeAccount,
  periodEnd,
  periodOf,
  reserve,
  type Reservation,
  settle,
} from '@clipmesh/pipeline';
import { dollars } from './generation.view.js';
import { IN_FLIGHT_MS, madeAtMs } from './idempotency.js';
import { ProblemError } from './problem.js';

export interface BudgetRules {
  /** Most that one owner may spend in a period, micro-dollars. */
  readonly limitMicros: number;
  readonly period: BudgetPeriod;
}
type BudgetStores = Pick<Stores, 'accounts' | 'generations' | 'ledger'>;

export const emptyAccount = (owner: string, period: string): Account => ({ owner, period, generations: {} });

/**
 * Reserves the most that a generation may cost in its owner's account; one that has its reservation keeps it. Throws a 402
 * that tells what is left, what is needed, and when the period ends.
 */
export async function reserveBudget(
  { accounts }: Pick<Stores, 'accounts'>,
  { limitMicros }: BudgetRules,
  { id, owner, period, micros }: { id: string; owner: string; period: string; micros: number },
): Promise<void> {
  let decided: Reservation<Account> | undefined;
  await changeAccount(accounts, emptyAccount(owner, period), (account) => {
    decided = reserve(account, id, micros, limitMicros);
    return decided.accepted ? decided.account : undefined;
  });
  if (decided?.accepted === false) throw overBudget(owner, period, micros, decided.leftMicros);
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

/** A 402 when even the cheapest course of a generation is over its own cap. */
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

/** The sum of a generation's ledger entries, micro-dollars. */
async function spentOf({ ledger }: BudgetStores, id: string): Promise<number> {
  return (await ledger.entries(id)).reduce((sum, { amountMicros }) => sum + amountMicros, 0);
}

/** What a crash left of one open reservation: it is settled, or the retry that it was made for is sent. */
type Remains = 'none' | 'settle' | 'retry';
export function remainsOf(id: string, record: GenerationRecord | undefined, nowMs: number): Remains {
  if (record === undefined) return nowMs - madeAtMs(id) > IN_FLIGHT_MS ? 'settle' : 'none';
  const { account, state } = record;
  if (!isFinal(state.status)) return 'none';
  return account !== undefined && account.run > state.run ? 'retry' : 'settle';
}

/**
 * One look for open reservations whose generation never came to exist, or has ended. Any number of replicas may look: what
 * is done twice changes nothing. Says how many were found.
 */
export async function sweepAccount(
  stores: BudgetStores,
  owner: string,
  period: string,
  publish: (outgoing: readonly Outgoing[]) => Promise<unknown>,
  nowMs: number,
): Promise<number> {
  const found = await stores.accounts.get(owner, period);
  let count = 0;
  for (const [id, { open }] of Object.entries(found?.value.generations ?? {})) {
    if (!open) continue;
    const record = (await stores.generations.get(id))?.value;
    const remains = remainsOf(id, record, nowMs);
    if (remains === 'none') continue;
    count += 1;
    if (remains === 'retry') {
      const run = (record?.state.run ?? 0) + 1;
      await publish([
        message(RetryRequested, { generationId: id, at: new Date(nowMs).toISOString(), charges: [], run }),
      ]);
      continue;
    }
    const spent = await spentOf(stores, id);
    await changeAccount(stores.accounts, emptyAccount(owner, period), (account) => settle(account, id, spent));
  }
  return count;
}

/** This period and the one before: a reservation outlives its period's end. */
export function livePeriods(kind: BudgetPeriod, now: Date): string[] {
  const current = periodOf(kind, now);
  const [year = 0, month = 1, day = 1] = current.split('-').map(Number);
  return [current, periodOf(kind, new Date(Date.UTC(year, month - 1, day) - 1))];
}
