import { type Outgoing, StallNoticed } from '@clipmesh/contracts';
import { type Clock, every, type Periodic } from '@clipmesh/messaging';
import { sweepStalls, type StallSweepDeps } from '@clipmesh/pipeline';
import { type Log } from '@clipmesh/tracing';

export interface SweeperDeps extends Omit<StallSweepDeps, 'now' | 'publish'> {
  /** Removes settled messages that the broker still has. Returns their number. */
  readonly dropSettled: () => Promise<number>;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Pick<Log, 'warn'>;
  /** Time between two sweeps, ms. */
  readonly intervalMs: number;
}

/** One sweep: removes settled messages, then publishes and logs a notice for every stalled generation. Returns their number. */
export async function sweep(deps: SweeperDeps): Promise<number> {
  const { logger, clock } = deps;
  const dropped = await deps.dropSettled();
  if (dropped > 0) logger.warn({ dropped }, 'removed settled messages from the broker');
  return sweepStalls({
    ...deps,
    now: () => clock.now(),
    publish: async (notice) => {
      const stalled = notice.definition.name === StallNoticed.name;
      logger.warn(notice.body, stalled ? 'generation stalled' : 'plan not approved in time; canceling the generation');
      await deps.publish([notice]);
    },
  });
}

/** Sweeps every `intervalMs`. */
export function startSweeper(deps: SweeperDeps): Periodic {
  return every(deps.intervalMs, () => sweep(deps), {
    clock: deps.clock,
    onError: (error) => {
      deps.logger.warn({ err: error }, 'stall sweep failed; it runs again after the interval');
    },
  });
}
