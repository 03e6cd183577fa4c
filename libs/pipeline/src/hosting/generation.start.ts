import {
  AlreadyExistsError,
  GenerationPlan,
  type GenerationRecord,
  type GenerationState,
  message,
  messageId,
  type Outgoing,
  RetryRequested,
} from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { decide } from '../director/director.js';

export interface StartDeps {
  readonly generations: {
    /** Throws `AlreadyExistsError` when the id is taken. */
    create(record: GenerationRecord): Promise<unknown>;
    remove(id: string): Promise<unknown>;
  };
  /** Reserves the cost of a run. Its rejection stops the start. */
  readonly reserve: (record: GenerationRecord, run: number) => Promise<unknown>;
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
}

/**
 * Reserves the cost, stores the generation, then publishes its first command. False when another request with the same id has
 * stored it. Throws what `reserve` throws. The sweepers repair what a crash leaves in between.
 */
export async function startGeneration(
  { generations, reserve, publish }: StartDeps,
  record: GenerationRecord,
): Promise<boolean> {
  await reserve(record, 0);
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
    await reserve(record, 1);
  } catch (error) {
    await generations.remove(record.id);
    throw error;
  }
  await publish([message(GenerationPlan, { generationId: record.id, attempt: 1, job: record.state.job })]);
  return true;
}

/**
 * Reserves for the next run of a failed generation, then requests the run from the director. Returns the state that the run
 * starts with. Throws what `reserve` throws.
 */
export async function retryGeneration(
  { reserve, publish }: Pick<StartDeps, 'reserve' | 'publish'>,
  record: GenerationRecord,
  models: ModelTable,
  at: string,
): Promise<GenerationState> {
  const run = record.state.run + 1;
  await reserve(record, run);
  const event = message(RetryRequested, { generationId: record.id, at, charges: [], run });
  await publish([event]);
  const { name } = RetryRequested;
  return decide(record.state, { id: messageId(RetryRequested, event.body), name, body: event.body }, models).state;
}
