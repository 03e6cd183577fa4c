import { type GenerationRecord, type Outgoing } from '@clipmesh/contracts';
import { type BudgetRules, reservedFor } from '@clipmesh/billing';
import { type Stores } from '@clipmesh/persistence';
import { type StartDeps } from '@clipmesh/pipeline';
import { reserveBudget } from '../billing/budget.problems.js';
import { type Logger } from '../runtime/runtime.tokens.js';

interface ReserveDeps {
  readonly stores: Pick<Stores, 'accounts'>;
  /** Absent: no spending limit per owner. */
  readonly budget: BudgetRules | undefined;
}

/** What `startGeneration` and `retryGeneration` need. They throw a 402 when the budget is too low. */
export const startDeps = (
  deps: ReserveDeps & { readonly stores: Pick<Stores, 'generations'> },
  publish: (outgoing: readonly Outgoing[]) => Promise<unknown>,
): StartDeps => ({
  generations: deps.stores.generations,
  reserve: (record, run) => reserveFor(deps, record, { run }),
  publish,
});

interface PublishDeps {
  readonly publish: StartDeps['publish'];
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Publishes the first messages of a stored run. Logs an error instead of throwing it: the run is stored, and the stall sweeper
 * publishes the messages again.
 */
export async function publishStart(
  { publish, logger }: PublishDeps,
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
  { stores, budget }: ReserveDeps,
  record: GenerationRecord,
  { run, request, how = reserveBudget }: Reserving,
): Promise<void> => {
  const reserved = budget && reservedFor(record, budget, { run, request });
  if (budget !== undefined && reserved !== undefined) await how(stores, budget, reserved);
};
