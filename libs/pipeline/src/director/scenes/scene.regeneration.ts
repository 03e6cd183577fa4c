import { type GenerationState, type Plan, type SceneState, type SceneStep } from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { fillWindow } from '../director.js';
import { continueScene, dropResults, retryScene } from '../director.recovery.js';
import { chooseBlends, lacksHandle } from './scene.blends.js';

/** The step that draws the text. A new text changes no file of an earlier step. */
const TEXT_STEP: SceneStep['status'] = 'composing';

export interface SceneRegeneration {
  readonly scene: number;
  /** The plan with the changes of the scene. */
  readonly plan: Plan;
  /** The seed of the new clip. Undefined: the clip stays, and only its text is drawn again. */
  readonly seed: number | undefined;
}

/** Whether the generation has ended and has scenes to regenerate. */
export function canRegenerate({ status, scenes }: Pick<GenerationState, 'status' | 'scenes'>): boolean {
  return (status === 'succeeded' || status === 'failed') && scenes.length > 0;
}

/** Whether the new run could not start this scene, because no remaining model suits it or fits into the generation's cap. */
export function exceedsCap({ scenes }: Pick<GenerationState, 'scenes'>, scene: number): boolean {
  return scenes[scene]?.status === 'failed';
}

/**
 * Starts another run of an ended generation that regenerates a scene and retries failed ones. Everything else stays, but
 * a scene whose file is too short for a new transition after it is overlaid again. The event with id `cause` publishes the commands.
 */
export function regenerateScene(
  state: GenerationState,
  { scene, plan, seed }: SceneRegeneration,
  cause: string,
  models: ModelTable,
): GenerationState {
  if (!canRegenerate(state)) return state;
  const { failure: _failure, finishedBy: _by, finishedAt: _at, fallback: _fallback, result, ...kept } = state;
  const previous = result ?? state.previousResult;
  const reset = (one: SceneState): SceneState => {
    const { failure: _own, doneTraceparent: _done, cause: _previous, reseeded: _reseeded, ...rest } = one;
    if (seed === undefined) return continueScene(dropResults(rest, TEXT_STEP), cause);
    // The reservation of the previous clip may still be charged, so it does not pay for the new clip.
    return { ...continueScene(dropResults(rest, 'generating'), cause), seed, cause };
  };
  const changed: GenerationState = { ...state, plan };
  const next = (one: SceneState): SceneState => {
    if (one.index === scene) return reset(one);
    // The transition of the next scene shows pictures after the planned end.
    return lacksHandle(changed, one) ? continueScene(dropResults(one, TEXT_STEP), cause) : retryScene(one, cause);
  };
  const opened: GenerationState = {
    ...kept,
    ...(previous === undefined ? {} : { previousResult: previous }),
    ...{ run: state.run + 1, window: state.job.window, failures: [], status: 'generating', stage: 'clip', plan },
    scenes: state.scenes.map(next),
  };
  return chooseBlends(state, fillWindow(opened, cause, models));
}
