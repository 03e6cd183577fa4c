import { type GenerationState, type SceneState, type SceneStatus } from '@clipmesh/contracts';

const SCENE_SHARE: Readonly<Record<SceneStatus, number>> = {
  waiting: 0,
  generating: 0.05,
  composing: 0.75,
  done: 1,
  failed: 1,
  canceled: 1,
};

/** A scene that waits for its next model counts as generating. */
const shareOf = ({ status, attempt }: SceneState): number =>
  SCENE_SHARE[status === 'waiting' && attempt > 0 ? 'generating' : status];

/** Progress in percent: planning 5, all scenes 80, the video 15. It advances with every scene and never decreases. */
export function progressOf(state: GenerationState): number {
  switch (state.status) {
    case 'queued':
      return 0;
    case 'planning':
      return 2;
    case 'awaiting_approval':
      return 5;
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
