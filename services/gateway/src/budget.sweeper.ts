import { every, type Periodic } from '@clipmesh/messaging';
import { type createLogger } from '@clipmesh/tracing';
import { type BudgetSweepDeps, livePeriods, sweepAccount, sweepUnreserved } from './budget.js';

export interface BudgetSweeperDeps extends BudgetSweepDeps {
  readonly owners: readonly string[];
  readonly logger: Pick<ReturnType<typeof createLogger>, 'warn'>;
  readonly intervalMs: number;
}

async function sweep({ owners, logger, ...deps }: BudgetSweeperDeps): Promise<void> {
  const now = new Date();
  const unreserved = await sweepUnreserved(deps, now.getTime());
  if (unreserved > 0) logger.warn({ runs: unreserved }, 'runs that had begun without their reservation were put right');
  for (const owner of owners)
    for (const period of livePeriods(deps.rules.period, now)) {
      const left = await sweepAccount(deps, owner, period, now.getTime());
      if (left > 0)
        logger.warn({ owner, period, reservations: left }, 'reservations without their work were put right');
    }
}

/** Sweeps at once and then every `intervalMs`, until it is stopped. */
export function startBudgetSweeper(deps: BudgetSweeperDeps): Periodic {
  return every(deps.intervalMs, () => sweep(deps), {
    atOnce: true,
    failed: (error) => {
      deps.logger.warn({ err: error }, 'the sweep of budgets failed; it runs again');
    },
  });
}
