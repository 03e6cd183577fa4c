import {
  type GenerationRecord,
  GenerationPlan,
  type GenerationState,
  message,
  messageId,
  type Outgoing,
  RetryRequested,
} from '@clipmesh/contracts';
import { AlreadyExistsError, type Stores } from '@clipmesh/persistence';
import { decide } from '@clipmesh/pipeline';
import { type BudgetRules } from '@clipmesh/billing';
import { reserveBudget } from '../billing/budget.problems.js';
import { type GatewayDeps } from '../gateway.deps.js';

export interface StartDeps {
  readonly stores: Pick<Stores, 'accounts' | 'generations'>;
  /** Absent: no spending limit per owner. */
  readonly budget: BudgetRules | undefined;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
}

/**
 * Publishes the first messages of a stored run. Logs an error instead of throwing it: the run is stored, and the stall sweeper
 * publishes the messages again.
 */
export async function publishStart(
  { publish, logger }: Pick<GatewayDeps, 'publish' | 'logger'>,
  outgoing: readonly Outgoing[],
  generationId: string,
): Promise<void> {
  try {
    await publish(outgoing);
  } catch (error) {
    logger.warn(
      { err: error, generationId },
      'run stored but its first message was not published; the stall sweeper retries',
    );
  }
}

interface Reserving {
  readonly run: number;
  /** Id of the regenerate request that reserves. Default: none, for a create or a retry. */
  readonly request?: string;
  /** Default: {@link reserveBudget}. Pass `refuseOverBudget` to check without reserving. */
  readonly how?: typeof reserveBudget;
}

/** Reserves the cost of a run if its owner has a budget, or only checks it. Throws a 402. */
export const reserveFor = async (
  { stores, budget }: Pick<StartDeps, 'stores' | 'budget'>,
  { id, owner, account, state }: GenerationRecord,
  { run, request, how = reserveBudget }: Reserving,
): Promise<void> => {
  if (budget === undefined || account === undefined) return;
  const micros = state.job.maxCostMicros ?? budget.limitMicros;
  await how(stores, budget, { id, owner, period: account.period, micros, run, request });
};

/**
 * Reserves the cost, stores the generation, then publishes its first command. False when another request with the same id has
 * stored it. Throws a 402 when the budget is too low. The sweepers repair what a crash leaves in between.
 */
export async function startGeneration(deps: StartDeps, record: GenerationRecord): Promise<boolean> {
  const { generations } = deps.stores;
  await reserveFor(deps, record, { run: 0 });
  try {
    await generations.create(record);
  } catch (error) {
    // Two requests took over the same abandoned claim; the other one continues.
    if (error instanceof AlreadyExistsError) return false;
    throw error;
  }
  try {
    // After this, no sweep treats the reservation as abandoned. If one already has, the budget may be used up: then the
    // generation does not start.
    await reserveFor(deps, record, { run: 1 });
  } catch (error) {
    await generations.remove(record.id);
    throw error;
  }
  await deps.publish([message(GenerationPlan, { generationId: record.id, attempt: 1, job: record.state.job })]);
  return true;
}

/**
 * Reserves for the next run of a failed generation, then requests the run from the director. Returns the state that the run
 * starts with. Throws a 402.
 */
export async function retryGeneration(deps: StartDeps, record: GenerationRecord, at: string): Promise<GenerationState> {
  const run = record.state.run + 1;
  await reserveFor(deps, record, { run });
  const event = message(RetryRequested, { generationId: record.id, at, charges: [], run });
  await deps.publish([event]);
  const { name } = RetryRequested;
  return decide(record.state, { id: messageId(RetryRequested, event.body), name, body: event.body }).state;
}
