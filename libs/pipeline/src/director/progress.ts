import { type GenerationState, SCENE_STEPS, type SceneState, stepOf } from '@clipmesh/contracts';

/** The finished share of a scene. One that waits for its next model counts as generating; one that has ended is finished. */
function shareOf({ status, attempt }: SceneState): number {
  if (status === 'waiting') return attempt > 0 ? SCENE_STEPS[0].progress : 0;
  return stepOf(status)?.progress ?? 1;
}

/** Progress of the run in percent: planning 5, all scenes 80, the video 15. It advances with every scene and never decreases. */
export function progressOf(state: GenerationState): number {
  switch (state.status) {
    case 'queued':
      return 0;
    case 'planning':
      return 2;
    case 'awaiting_approval':
      return state.result === undefined ? 5 : 100;
    case 'succeeded':
      return 100;
    case 'composing':
      return 85;
    case 'generating':
    case 'failed':
    case 'canceled': {
      if (state.scenes.length === 0) return state.status === 'generating' ? 5 : 2;
      const share = state.scenes.reduce((sum, scene) => sum + shareOf(scene), 0) / state.scenes.length;
      return Math.floor(5 + 80 * share);
    }
  }
}
