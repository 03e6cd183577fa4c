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

/** Whether the run that has just begun with this scene could not begin it: its generation's cap allows no model that is left. */
export function isBeyondCap({ scenes }: Pick<GenerationState, 'scenes'>, scene: number): boolean {
  return scenes[scene]?.status === 'failed';
}

/**
 * Another run of an ended generation, in which a scene is made anew, and with it what had failed; everything else stays. The
 * commands are asked for by the event of this id.
 */
export function reopenScene(state: GenerationState, { scene, plan, seed }: Reopening, cause: string): GenerationState {
  if (!isReopenable(state)) return state;
  const { failure: _failure, finishedBy: _by, finishedAt: _at, fallback: _fallback, result, ...kept } = state;
  const former = result ?? state.former;
  const open = (one: SceneState): SceneState => {
    const {
      overlaid: _overlaid,
      failure: _own,
      doneTraceparent: _done,
      cause: _former,
      reseeded: _again,
      ...rest
    } = one;
    if (seed === undefined && rest.clip !== undefined)
      return { ...rest, status: 'composing', attempt: one.attempt + 1, cause };
    const { clip: _clip, predictionId: _bought, ...bare } = rest;
    const waiting: SceneState = { ...bare, status: 'waiting', modelIndex: 0, cached: false };
    // Of another clip: what is set aside for the one before may be owed yet, and does not pay for this one.
    return seed === undefined ? waiting : { ...waiting, seed, cause };
  };
  return fillWindow(
    {
      ...kept,
      ...(former === undefined ? {} : { former }),
      ...{ run: state.run + 1, window: state.job.window, setbacks: [], status: 'generating', stage: 'clip', plan },
      scenes: state.scenes.map((one) => (one.index === scene ? open(one) : again(one, cause))),
    },
    cause,
  );
}
