import { isDrafted, isFinal } from '@clipmesh/contracts';
import { type RecordChange, runJob } from '@clipmesh/pipeline';
import { ATTR, type Log } from '@clipmesh/tracing';
import { trace } from '@opentelemetry/api';

export type DirectorLogger = Log;

/** Adds a change of a generation to the log and to the active span. */
export function logChange(logger: DirectorLogger, { before: { state: before }, after }: RecordChange): void {
  const { id: generationId, state } = after;
  const { fallback, revivals, status, stage, costMicros, failure } = state;
  trace.getActiveSpan()?.setAttribute(ATTR.window, state.window);
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
    const [from, to] = [was.modelIndex, modelIndex].map((index) => runJob(state).models[index]);
    trace.getActiveSpan()?.addEvent('clipmesh.model_fallback', { [ATTR.scene]: scene, from, to });
    logger.warn({ generationId, scene, from, to }, 'model failed; falling back to the next model');
  });
  if (before.revivals !== revivals) logger.warn({ generationId, revivals, stage }, 'lost work was sent again');
  if (before.status === status) return;
  if (isFinal(status) || isDrafted(state)) trace.getActiveSpan()?.setAttribute(ATTR.final, true);
  const fields = { generationId, status, stage, costMicros };
  if (status === 'failed') logger.error({ ...fields, failure }, 'generation failed');
  else logger.info(fields, `generation ${status}`);
}
