import { type GenerationState, type SceneState } from '@clipmesh/contracts';

/** Failures of a clip that were no try: no model was asked, or it asked to be asked later. */
const NO_TRY: ReadonlySet<string> = new Set(['PROVIDER_RATE_LIMITED', 'BUDGET_EXCEEDED', 'CANCELED']);

/**
 * How often a scene's clip was tried, over all models and runs: every try that failed, and the one that is under way or
 * has made the clip. 0 while the scene waits for its first. Overlays are no tries of the clip.
 */
export function triesOf({ incidents }: Pick<GenerationState, 'incidents'>, scene: SceneState): number {
  const failed = incidents.filter(
    ({ kind, stage, scene: index, code }) =>
      kind !== 'stalled' && stage === 'clip' && index === scene.index && !NO_TRY.has(code ?? ''),
  ).length;
  const isUnderWay = scene.status === 'generating' || scene.clip !== undefined;
  return Math.max(failed + (isUnderWay ? 1 : 0), scene.attempt > 0 ? 1 : 0);
}
