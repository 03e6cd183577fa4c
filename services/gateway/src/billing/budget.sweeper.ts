import { every, type Periodic } from '@clipmesh/messaging';
import { type Log } from '@clipmesh/tracing';
import { type BudgetSweepDeps, livePeriods, sweepAccount, sweepUnreserved } from '@clipmesh/billing';

export interface BudgetSweeperDeps extends BudgetSweepDeps {
  readonly owners: readonly string[];
  readonly logger: Pick<Log, 'warn'>;
  readonly intervalMs: number;
}

async function sweep({ owners, logger, ...deps }: BudgetSweeperDeps): Promise<void> {
  const now = new Date();
  const unreserved = await sweepUnreserved(deps, now.getTime());
  if (unreserved > 0) logger.warn({ runs: unreserved }, 'repaired runs that started without a reservation');
  for (const owner of owners)
    for (const period of livePeriods(deps.rules.period, now)) {
      const left = await sweepAccount(deps, owner, period, now.getTime());
      if (left > 0) logger.warn({ owner, period, reservations: left }, 'repaired reservations that no run uses');
    }
}

/** Sweeps immediately, then every `intervalMs`, until stopped. */
export function startBudgetSweeper(deps: BudgetSweeperDeps): Periodic {
  return every(deps.intervalMs, () => sweep(deps), {
    immediate: true,
    onError: (error) => {
      deps.logger.warn({ err: error }, 'budget sweep failed; retrying at the next interval');
    },
  });
}
