import { type Framework, FRAMEWORK_ROLES, type Plan, SCENE_SECONDS, type ScenePlan } from '@clipmesh/contracts';

/** The role of each of `count` scenes: the framework's steps in order, spread evenly. */
export function rolesFor(framework: Framework, count: number): string[] {
  const steps = FRAMEWORK_ROLES[framework];
  return Array.from({ length: count }, (_, index) => {
    const step =
      count <= steps.length && index === count - 1 ? steps.length - 1 : Math.floor((index * steps.length) / count);
    return steps[step] ?? 'scene';
  });
}

/**
 * Scene lengths of 3-7 whole seconds that sum to `total`, as close to `requested` as possible.
 * Throws RangeError when there are none. {@link chooseSceneCount} never returns such a count.
 */
export function fitDurations(total: number, requested: readonly number[]): number[] {
  const count = requested.length;
  if (total < count * SCENE_SECONDS.min || total > count * SCENE_SECONDS.max) {
    throw new RangeError(
      `${total} s cannot be cut into ${count} scenes of ${SCENE_SECONDS.min}-${SCENE_SECONDS.max} s`,
    );
  }
  const lengths = requested.map((seconds) =>
    Math.min(
      SCENE_SECONDS.max,
      Math.max(SCENE_SECONDS.min, Number.isFinite(seconds) ? Math.round(seconds) : SCENE_SECONDS.min),
    ),
  );
  let rest = total - lengths.reduce((sum, length) => sum + length, 0);
  while (rest !== 0) {
    const step = Math.sign(rest);
    for (let index = 0; index < count && rest !== 0; index += 1) {
      const next = (lengths[index] ?? 0) + step;
      if (next < SCENE_SECONDS.min || next > SCENE_SECONDS.max) continue;
      lengths[index] = next;
      rest -= step;
    }
  }
  return lengths;
}

/** Splits `total` seconds evenly into `count` scenes, the longer ones first. */
export function evenDurations(total: number, count: number): number[] {
  return fitDurations(
    total,
    Array.from({ length: count }, (_, index) => Math.floor(total / count) + (index < total % count ? 1 : 0)),
  );
}

/** The prompt for the video model: the scene, then the style that all scenes of the plan share. */
export function clipPrompt(plan: Plan, scene: ScenePlan): string {
  const { style, palette, lighting, composition, mood, subject } = plan.style;
  const markers: [string, string][] = [
    ['Subject', subject],
    ['Style', style],
    ['Color palette', palette],
    ['Lighting', lighting],
    ['Composition', composition],
    ['Mood', mood],
  ];
  const shared = markers.filter(([, value]) => value.trim() !== '').map(([name, value]) => `${name}: ${value.trim()}.`);
  return [scene.description.trim(), ...shared, 'No text, captions or logos in the picture.'].join(' ');
}
