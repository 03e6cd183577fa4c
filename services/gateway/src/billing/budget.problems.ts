import {
  type BudgetRules,
  emptyAccount,
  type Estimate,
  periodEnd,
  readAccount,
  reserve,
  type Reserved,
  reserveInAccount,
} from '@clipmesh/billing';
import { cutText } from '@clipmesh/contracts';
import { type Stores } from '@clipmesh/persistence';
import { dollars } from './dollars.js';
import { ProblemError } from '../http/problems/problem.js';

/**
 * Reserves the maximum cost of a generation in its owner's account. An existing reservation stays as it is. Throws a 402 with
 * the amount left, the amount needed, and the end of the period.
 */
export async function reserveBudget(
  stores: Pick<Stores, 'accounts'>,
  rules: BudgetRules,
  reserved: Reserved,
): Promise<void> {
  const decided = await reserveInAccount(stores, rules, reserved);
  if (decided?.accepted === false) {
    const { owner, period, micros } = reserved;
    throw overBudget(owner, period, micros, decided.leftMicros);
  }
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

/** Throws a 422 when a cap or a budget applies and the price of the language model, or of the speech, is unknown. */
export function refuseUnpriced(
  { isLlmPriced, speech }: Pick<Estimate, 'isLlmPriced' | 'speech'>,
  model: string,
  isCapped: boolean,
): void {
  if (!isCapped) return;
  if (speech?.isPriced === false)
    throw new ProblemError(
      422,
      'PRICE_UNKNOWN',
      'The price of the speech model is unknown',
      'the price of the voice-over is unknown, so no budget can be enforced; the operator can set SPEECH_PRICE_USD_PER_MCHAR or SPEECH_PRICE_USD_PER_MINUTE, or omit voiceover',
      { extensions: { retryable: false, charged: false } },
    );
  if (isLlmPriced) return;
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
