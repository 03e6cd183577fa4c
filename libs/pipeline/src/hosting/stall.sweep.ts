import { type GenerationRecord, type Outgoing } from '@clipmesh/contracts';
import { noticeStall, type StallRules } from '../director/stall.rules.js';

export interface StallSweepDeps extends StallRules {
  readonly generations: {
    unfinished(): Promise<readonly GenerationRecord[]>;
    get(id: string): Promise<{ readonly value: GenerationRecord } | undefined>;
  };
  /** Generations with a command that is pending or in progress. */
  readonly backlog: () => Promise<{ readonly generations: ReadonlySet<string> }>;
  /** Whether the director has handled every event of the generation. */
  readonly isDirectorCaughtUp: (generationId: string) => Promise<boolean>;
  readonly publish: (notice: Outgoing) => Promise<unknown>;
  /** Ms since the epoch. */
  readonly now: () => number;
}

/**
 * Publishes a notice for every stalled generation, and returns their number. Replicas may sweep at the same time, as a notice
 * has a deterministic id.
 */
export async function sweepStalls(deps: StallSweepDeps): Promise<number> {
  const records = await deps.generations.unfinished();
  if (records.length === 0) return 0;
  const { generations } = await deps.backlog();
  let stalls = 0;
  for (const record of records) {
    const notice = noticeStall(record, generations, deps.now(), deps);
    if (notice === undefined || !(await deps.isDirectorCaughtUp(record.id))) continue;
    // It may have changed in the meantime.
    if ((await deps.generations.get(record.id))?.value.updatedAt !== record.updatedAt) continue;
    await deps.publish(notice);
    stalls += 1;
  }
  return stalls;
}
