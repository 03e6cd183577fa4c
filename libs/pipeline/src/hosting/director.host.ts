import {
  ClipmeshError,
  type GenerationRecord,
  type GenerationState,
  isFinal,
  type Outgoing,
} from '@clipmesh/contracts';
import { type Clock } from '@clipmesh/messaging';
import { ConflictError, type GenerationStore } from '@clipmesh/persistence';
import { decide, type DirectorEvent } from '@clipmesh/pipeline';
import { ATTR, type createLogger } from '@clipmesh/tracing';
import { trace } from '@opentelemetry/api';

export interface DirectorDeps {
  readonly generations: Pick<GenerationStore, 'get' | 'save'>;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn' | 'error'>;
  readonly clock: Clock;
}

/** Maximum write conflicts with other replicas for one event. After them the message is redelivered. */
const MAX_CONFLICTS = 20;

/**
 * Loads the generation, decides, saves by compare-and-set, and then returns the messages to publish. Any replica can handle
 * any event. Throws `STORE_UNAVAILABLE` after 20 write conflicts.
 */
export async function direct(
  { generations, logger, clock }: DirectorDeps,
  event: DirectorEvent,
): Promise<readonly Outgoing[]> {
  const { generationId } = event.body;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const found = await generations.get(generationId);
    if (found === undefined) {
      logger.warn({ generationId, event: event.name }, 'event of an unknown generation dropped');
      return [];
    }
    const { state, outgoing } = decide(found.value.state, event);
    if (state === found.value.state) return outgoing;
    const next = {
      ...traced(found.value, state, event.traceparent),
      updatedAt: new Date(clock.now()).toISOString(),
      state,
    };
    try {
      await generations.save(next, found.revision);
    } catch (error) {
      if (error instanceof ConflictError) continue;
      throw error;
    }
    trace.getActiveSpan()?.setAttribute(ATTR.window, state.window);
    report(logger, found.value, next);
    return outgoing;
  }
  throw new ClipmeshError(
    'STORE_UNAVAILABLE',
    `generation ${generationId} had ${MAX_CONFLICTS} write conflicts in a row`,
  );
}

/**
 * The record with the trace of its current run. A retry starts a new trace. So does an approval, to keep the time that the
 * user took to review the plan out of the measurement.
 */
function traced(
  record: GenerationRecord,
  { run, status }: GenerationState,
  traceparent: string | undefined,
): GenerationRecord {
  const { state: before } = record;
  const traceId = traceparent?.split('-')[1];
  const begins = run !== before.run || (before.status === 'awaiting_approval' && status === 'generating');
  if (!begins || traceparent === undefined || traceId === undefined || traceId === record.traceId) return record;
  return { ...record, traceId, traceparent, earlierTraceIds: [...(record.earlierTraceIds ?? []), record.traceId] };
}

function report(
  logger: DirectorDeps['logger'],
  { state: before }: GenerationRecord,
  { id: generationId, state }: GenerationRecord,
): void {
  const { fallback, revivals, status, stage, costMicros, failure } = state;
  if (fallback !== undefined && before.fallback === undefined) {
    trace.getActiveSpan()?.addEvent('clipmesh.fallback', { 'clipmesh.failure.code': fallback.code });
    logger.warn(
      { generationId, reason: fallback.code, from: fallback.window, to: state.window, failures: state.failures.length },
      'repeated provider failures; running the remaining scenes one at a time',
    );
  }
  state.scenes.forEach(({ modelIndex, status: now }, scene) => {
    const was = before.scenes[scene];
    // A cached clip may be of a later model too, but its scene is past `generating` by then.
    if (was === undefined || modelIndex <= was.modelIndex || (now !== 'waiting' && now !== 'generating')) return;
    const [from, to] = [was.modelIndex, modelIndex].map((index) => state.job.models[index]);
    trace.getActiveSpan()?.addEvent('clipmesh.model_fallback', { [ATTR.scene]: scene, from, to });
    logger.warn({ generationId, scene, from, to }, 'model failed; falling back to the next model');
  });
  if (before.revivals !== revivals) logger.warn({ generationId, revivals, stage }, 'lost work was sent again');
  if (before.status === status) return;
  if (isFinal(status)) trace.getActiveSpan()?.setAttribute(ATTR.final, true);
  const fields = { generationId, status, stage, costMicros };
  if (status === 'failed') logger.error({ ...fields, failure }, 'generation failed');
  else logger.info(fields, `generation ${status}`);
}
