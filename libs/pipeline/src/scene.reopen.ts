import { type GenerationState, type Plan, type SceneState } from '@clipmesh/contracts';
import { fillWindow } from './director.js';
import { again } from './director.recovery.js';

export interface Reopening {
  readonly scene: number;
  /** As it is to be, with what changes of the scene. */
  readonly plan: Plan;
  /** Of the new clip; undefined: the clip stays, and its text is drawn anew. */
  readonly seed: number | undefined;
}

/** Whether it has ended with scenes of which one can be made anew. */
export function isReopenable({ status, scenes }: Pick<GenerationState, 'status' | 'scenes'>): boolean {
  return (status === 'succeeded' || status === 'failed') && scenes.length > 0;
}

/**
 * Another run of an ended generation, in which a scene is made anew, and with it what had failed; everything else stays. The
 * commands are asked for by the event of this id.
 */
export function reopenScene(state: GenerationState, { scene, plan, seed }: Reopening, cause: string): GenerationState {
  if (!isReopenable(state)) return state;
  const { failure: _failure, finishedBy: _by, finishedAt: _at, fallback: _fallback, result: _film, ...kept } = state;
  const open = (one: SceneState): SceneState => {
    const { overlaid: _overlaid, failure: _own, doneTraceparent: _done, cause: _former, ...rest } = one;
    if (seed === undefined && rest.clip !== undefined)
      return { ...rest, status: 'composing', attempt: one.attempt + 1, cause };
    const { clip: _clip, predictionId: _bought, ...bare } = rest;
    return { ...bare, status: 'waiting', modelIndex: 0, cached: false, ...(seed === undefined ? {} : { seed }) };
  };
  return fillWindow(
    {
      ...kept,
      ...{ run: state.run + 1, window: state.job.window, setbacks: [], status: 'generating', stage: 'clip', plan },
      scenes: state.scenes.map((one) => (one.index === scene ? open(one) : again(one, cause))),
    },
    cause,
  );
}
