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
import { type BudgetRules, reserveBudget } from './budget.js';
import { type GatewayDeps } from './gateway.parts.js';

export interface StartDeps {
  readonly stores: Pick<Stores, 'accounts' | 'generations'>;
  /** Absent: owners may spend without limit. */
  readonly budget: BudgetRules | undefined;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
}

/**
 * Publishes what a stored run begins with. An error is logged, not thrown: the run is certainly stored, and the sweeper of
 * stalled work publishes it again.
 */
export async function publishStart(
  { publish, logger }: Pick<GatewayDeps, 'publish' | 'logger'>,
  outgoing: readonly Outgoing[],
  generationId: string,
): Promise<void> {
  try {
    await publish(outgoing);
  } catch (error) {
    logger.warn({ err: error, generationId }, 'the run is stored but its first message was not published; sweeping');
  }
}

interface Reserving {
  readonly run: number;
  /** The request to regenerate a scene that reserves. Default: none, a create or a retry. */
  readonly request?: string;
  /** Default: reserves; otherwise it only decides whether it could. */
  readonly how?: typeof reserveBudget;
}

/** Reserves the money of a run where its owner has a budget, or only decides whether it could. Throws a 402. */
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
 * Reserves, stores the generation, then sends its first command; false when another request of the same id has stored it.
 * Throws a 402 when there is no money for it. What dies in between is carried on, or put right, by the sweepers.
 */
export async function startGeneration(deps: StartDeps, record: GenerationRecord): Promise<boolean> {
  const { generations } = deps.stores;
  await reserveFor(deps, record, { run: 0 });
  try {
    await generations.create(record);
  } catch (error) {
    // Two took over the same abandoned claim; the other one goes on.
    if (error instanceof AlreadyExistsError) return false;
    throw error;
  }
  try {
    // From here on no sweep takes the reservation for one whose create has died. Should one have done so before, the money
    // may be gone: then it does not begin.
    await reserveFor(deps, record, { run: 1 });
  } catch (error) {
    await generations.remove(record.id);
    throw error;
  }
  await deps.publish([message(GenerationPlan, { generationId: record.id, attempt: 1, job: record.state.job })]);
  return true;
}

/**
 * Reserves for the next run of a failed generation, then asks the director for it. Returns the state that the run begins
 * with. Throws a 402.
 */
export async function retryGeneration(deps: StartDeps, record: GenerationRecord, at: string): Promise<GenerationState> {
  const run = record.state.run + 1;
  await reserveFor(deps, record, { run });
  const event = message(RetryRequested, { generationId: record.id, at, charges: [], run });
  await deps.publish([event]);
  const { name } = RetryRequested;
  return decide(record.state, { id: messageId(RetryRequested, event.body), name, body: event.body }).state;
}
