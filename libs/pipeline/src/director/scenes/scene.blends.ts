import {
  type Blend,
  type Blended,
  blendOf,
  encodeProfile,
  type GenerationState,
  LAST_STEP,
  type OverlayApplyBody,
  type SceneState,
  transitionFrames,
} from '@clipmesh/contracts';

/** How a scene begins, when that is no cut. The first scene has no predecessor. */
function blendInto({ plan }: GenerationState, scene: number): Blend | undefined {
  return scene === 0 ? undefined : blendOf(plan?.scenes[scene]?.transition);
}

const neighbourOf = (blend: number, scene: number): number => (blend === scene ? scene - 1 : scene + 1);
const isReady = ({ status }: SceneState): boolean => status === 'done';

/**
 * Chooses which transitions each overlay that starts now makes: those to neighbours that are ready. Of two neighbours, the one
 * that is overlaid last makes their transition, so that it is there when the last overlay ends. Neighbours that are overlaid at
 * the same time leave it to the stitcher.
 */
export function chooseBlends(before: GenerationState, after: GenerationState): GenerationState {
  if (after.scenes === before.scenes) return after;
  const scenes = after.scenes.map((scene) => {
    if (scene.status !== LAST_STEP.status || scene.attempt === before.scenes[scene.index]?.attempt) return scene;
    const { blends: _previous, ...rest } = scene;
    const blends = [scene.index, scene.index + 1].filter((blend) => {
      const neighbour = after.scenes[neighbourOf(blend, scene.index)];
      return blendInto(after, blend) !== undefined && neighbour !== undefined && isReady(neighbour);
    });
    return blends.length === 0 ? rest : { ...rest, blends };
  });
  return scenes.every((scene, index) => scene === after.scenes[index]) ? after : { ...after, scenes };
}

/** The fields of an overlay command that its transitions need. */
export function overlayBlends(
  state: GenerationState,
  scene: SceneState,
): Pick<OverlayApplyBody, 'leadFrames' | 'handleFrames' | 'blends'> {
  const frames = transitionFrames(encodeProfile(state.job.aspectRatio));
  const blends = (scene.blends ?? []).flatMap((blend) => {
    const kind = blendInto(state, blend);
    const neighbour = state.scenes[neighbourOf(blend, scene.index)]?.[LAST_STEP.result];
    const earlierSeconds = state.plan?.scenes[blend - 1]?.durationSeconds;
    return kind === undefined || neighbour === undefined || earlierSeconds === undefined
      ? []
      : [{ scene: blend, kind, neighbour, earlierSeconds }];
  });
  return {
    ...(blendInto(state, scene.index) === undefined ? {} : { leadFrames: frames }),
    ...(blendInto(state, scene.index + 1) === undefined ? {} : { handleFrames: frames }),
    ...(blends.length === 0 ? {} : { blends }),
  };
}

/** The scenes with the transitions that an overlay made. */
export function withBlended(
  scenes: readonly SceneState[],
  made: readonly { readonly scene: number; readonly blend: Blended }[],
): SceneState[] {
  const blends = new Map(made.map(({ scene, blend }) => [scene, blend]));
  return scenes.map((scene) => {
    const blend = blends.get(scene.index);
    return blend === undefined ? scene : { ...scene, blend };
  });
}

/** How a scene begins in the video, with the pictures of the transition when they were made from the current files. */
export function transitionInto(
  state: GenerationState,
  { index, blend, ...scene }: SceneState,
): { kind: Blend; clip?: Blended['clip'] } | undefined {
  const kind = blendInto(state, index);
  if (kind === undefined) return undefined;
  const isCurrent =
    blend?.kind === kind &&
    blend.from === state.scenes[index - 1]?.[LAST_STEP.result]?.key &&
    blend.to === scene[LAST_STEP.result]?.key;
  return isCurrent ? { kind, clip: blend.clip } : { kind };
}

/** Whether the file of a scene ends too early for the transition to the next scene. */
export function lacksHandle(state: GenerationState, scene: SceneState): boolean {
  return isReady(scene) && blendInto(state, scene.index + 1) !== undefined && scene.handleFrames === undefined;
}
