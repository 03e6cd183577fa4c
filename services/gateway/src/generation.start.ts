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
import { type GatewayParts } from './gateway.parts.js';

export interface StartParts {
  readonly stores: Pick<Stores, 'accounts' | 'generations'>;
  /** Absent: owners may spend without limit. */
  readonly budget: BudgetRules | undefined;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
}

/**
 * Publishes what a stored run begins with. An error is logged, not thrown: the run is certainly stored, and the sweeper of
 * stalled work publishes it again.
 */
export async function announce(
  { publish, logger }: Pick<GatewayParts, 'publish' | 'logger'>,
  outgoing: readonly Outgoing[],
  generationId: string,
): Promise<void> {
  try {
    await publish(outgoing);
  } catch (error) {
    logger.warn({ err: error, generationId }, 'the run is stored but its first message was not published; sweeping');
  }
}

/** Sets the money of a run aside where its owner has a budget, or only looks whether it could. Throws a 402. */
export const reserveFor = async (
  { stores, budget }: Pick<StartParts, 'stores' | 'budget'>,
  { id, owner, account, state }: GenerationRecord,
  run: number,
  how: typeof reserveBudget = reserveBudget,
): Promise<void> => {
  if (budget === undefined || account === undefined) return;
  const micros = state.job.maxCostMicros ?? budget.limitMicros;
  await how(stores, budget, { id, owner, period: account.period, micros, run });
};

/**
 * Reserves, stores the generation, then sends its first command; false when another request of the same id has stored it.
 * Throws a 402 when there is no money for it. What dies in between is carried on, or put right, by the sweepers.
 */
export async function startGeneration(parts: StartParts, record: GenerationRecord): Promise<boolean> {
  const { generations } = parts.stores;
  await reserveFor(parts, record, 0);
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
    await reserveFor(parts, record, 1);
  } catch (error) {
    await generations.remove(record.id);
    throw error;
  }
  await parts.publish([message(GenerationPlan, { generationId: record.id, attempt: 1, job: record.state.job })]);
  return true;
}

/**
 * Reserves for the next run of a failed generation, then asks the director for it. Returns the state that the run begins
 * with. Throws a 402.
 */
export async function retryGeneration(
  parts: StartParts,
  record: GenerationRecord,
  at: string,
): Promise<GenerationState> {
  const run = record.state.run + 1;
  await reserveFor(parts, record, run);
  const event = message(RetryRequested, { generationId: record.id, at, charges: [], run });
  await parts.publish([event]);
  const { name } = RetryRequested;
  return decide(record.state, { id: messageId(RetryRequested, event.body), name, body: event.body }).state;
}
