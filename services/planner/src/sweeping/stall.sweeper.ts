import { type Outgoing, StallNoticed } from '@clipmesh/contracts';
import { type Backlog, type Clock, every, type Periodic } from '@clipmesh/messaging';
import { type GenerationStore } from '@clipmesh/persistence';
import { type createLogger } from '@clipmesh/tracing';
import { noticeStall, type StallRules } from './stall.rules.js';

export interface SweeperDeps extends StallRules {
  readonly generations: Pick<GenerationStore, 'unfinished' | 'get'>;
  /** Removes settled messages that the broker still has. Returns their number. */
  readonly dropSettled: () => Promise<number>;
  readonly backlog: () => Promise<Pick<Backlog, 'generations'>>;
  /** Whether the director has handled every event of the generation. */
  readonly isDirectorCaughtUp: (generationId: string) => Promise<boolean>;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'warn'>;
  /** Time between two sweeps, ms. */
  readonly intervalMs: number;
}

/**
 * Publishes a notice for every stalled generation, and returns their number. Replicas may sweep at the same time, as a notice
 * has a deterministic id.
 */
export async function sweep(deps: SweeperDeps): Promise<number> {
  const dropped = await deps.dropSettled();
  if (dropped > 0) deps.logger.warn({ dropped }, 'removed settled messages from the broker');
  const records = await deps.generations.unfinished();
  if (records.length === 0) return 0;
  const { generations } = await deps.backlog();
  let stalls = 0;
  for (const record of records) {
    const notice = noticeStall(record, generations, deps.clock.now(), deps);
    if (notice === undefined || !(await deps.isDirectorCaughtUp(record.id))) continue;
    // It may have changed in the meantime.
    if ((await deps.generations.get(record.id))?.value.updatedAt !== record.updatedAt) continue;
    const stalled = notice.definition.name === StallNoticed.name;
    deps.logger.warn(
      notice.body,
      stalled ? 'generation stalled' : 'plan not approved in time; canceling the generation',
    );
    await deps.publish([notice]);
    stalls += 1;
  }
  return stalls;
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
