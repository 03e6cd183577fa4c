import { type GenerationState, type SceneState } from '@clipmesh/contracts';

/** Clip failures that do not count as a try: the model was not called, or its rate limit postponed the call. */
const NO_TRY: ReadonlySet<string> = new Set(['PROVIDER_RATE_LIMITED', 'BUDGET_EXCEEDED', 'CANCELED']);

/**
 * Number of tries of a scene's clip, over all models and runs: every failed try, plus the one that is in flight or succeeded.
 * 0 before the first try. Overlays do not count.
 */
export function triesOf({ incidents }: Pick<GenerationState, 'incidents'>, scene: SceneState): number {
  const failed = incidents.filter(
    ({ kind, stage, scene: index, code }) =>
      kind !== 'stalled' && stage === 'clip' && index === scene.index && !NO_TRY.has(code ?? ''),
  ).length;
  const hasCurrent = scene.status === 'generating' || scene.clip !== undefined;
  return Math.max(failed + (hasCurrent ? 1 : 0), scene.attempt > 0 ? 1 : 0);
}
