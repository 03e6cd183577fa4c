import { randomUUID } from 'node:crypto';
import { type GenerationRecord } from '@clipmesh/contracts';
import { type BudgetRules } from '@clipmesh/billing';
import { ConflictError, type Stores, type Versioned } from '@clipmesh/persistence';
import { currentTraceparent, spanContextOf } from '@clipmesh/tracing';
import { refuseOverBudget } from '../billing/budget.problems.js';
import { reserveFor } from './generation.start.js';

interface RunDeps {
  readonly stores: Pick<Stores, 'accounts' | 'generations'>;
  /** Absent: no spending limit per owner. */
  readonly budget: BudgetRules | undefined;
}

/**
 * Starts another run: reserves its cost, then stores it. False when the generation has changed since it was read. A crash or an
 * error in between leaves the generation as it was: the reservation has its own request id, by which the sweeper releases it
 * without a retry. The write before the reservation is a fence: it shows the sweeper that the run is starting, and a sweeper
 * that treats the reservation as abandoned makes the last write fail. Throws a 402 when the budget is too low.
 */
export async function startRun(
  { stores, budget }: RunDeps,
  { value, revision }: Versioned<GenerationRecord>,
  record: GenerationRecord,
): Promise<boolean> {
  const { generations } = stores;
  const { run } = record.state;
  try {
    let before = revision;
    if (budget !== undefined && record.account !== undefined) {
      await reserveFor({ stores, budget }, record, { run, how: refuseOverBudget });
      before = (await generations.save({ ...value, updatedAt: record.updatedAt }, revision)).revision;
      await reserveFor({ stores, budget }, record, { run, request: randomUUID() });
    }
    await generations.save(record, before);
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}

/** The record with the trace of a new run, and without the performance summary of the previous video. */
export function withTrace({ performance: _previous, ...record }: GenerationRecord): GenerationRecord {
  const traceparent = currentTraceparent();
  const traceId = spanContextOf(traceparent)?.traceId;
  if (traceparent === undefined || traceId === undefined) return record;
  return { ...record, traceId, traceparent, earlierTraceIds: [...(record.earlierTraceIds ?? []), record.traceId] };
}
