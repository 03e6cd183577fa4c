import {
  DURATION_SECONDS,
  type GenerationState,
  overlayTextSchema,
  type Plan,
  type PlanEdit,
  type ScenePlan,
} from '@clipmesh/contracts';

/** Why an edit cannot be made; `field` is where, within the edit. */
export class PlanEditError extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
    this.name = 'PlanEditError';
  }
}

/** Whether the plan waits for its user, who may still change it. */
export function isReviewed({ status, approved }: Pick<GenerationState, 'status' | 'approved'>): boolean {
  return status === 'awaiting_approval' && approved !== true;
}

/** The plan with an edit; its duration is that of its scenes. Throws {@link PlanEditError}. */
export function editPlan(plan: Plan, edit: PlanEdit): Plan {
  const changes = new Map((edit.scenes ?? []).map((change, at) => [change.index, { change, at }]));
  if (changes.size < (edit.scenes ?? []).length) throw new PlanEditError('scenes', 'a scene is named twice');
  const last = plan.scenes.length - 1;
  for (const [index, { at }] of changes)
    if (index > last)
      throw new PlanEditError(`scenes.${at}.index`, `there is no scene ${index}; the plan has scenes 0-${last}`);
  const scenes = plan.scenes.map((scene) => {
    const found = changes.get(scene.index);
    return found === undefined ? scene : editScene(scene, found.change, `scenes.${found.at}`);
  });
  const durationSeconds = scenes.reduce((sum, scene) => sum + scene.durationSeconds, 0);
  const { min, max } = DURATION_SECONDS;
  if (durationSeconds < min || durationSeconds > max)
    throw new PlanEditError('scenes', `the scenes last ${durationSeconds} s together; a film takes ${min}-${max} s`);
  return {
    ...plan,
    ...defined({ title: edit.title }),
    style: { ...plan.style, ...defined(edit.style ?? {}) },
    durationSeconds,
    scenes,
  };
}

function editScene(scene: ScenePlan, change: NonNullable<PlanEdit['scenes']>[number], field: string): ScenePlan {
  const { overlay: former, ...kept } = scene;
  const { overlay, index: _index, ...rest } = change;
  const edited = { ...kept, ...defined(rest) };
  if (overlay === null) return edited;
  if (overlay === undefined) return former === undefined ? edited : { ...edited, overlay: former };
  const text = overlay.text ?? former?.text;
  if (text === undefined) throw new PlanEditError(`${field}.overlay.text`, 'the scene has no text yet: give one');
  return { ...edited, overlay: overlayTextSchema.parse({ ...former, ...defined(overlay), text }) };
}

/** What is named and not left open. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
