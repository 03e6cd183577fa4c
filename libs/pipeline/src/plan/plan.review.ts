import {
  DURATION_SECONDS,
  type GenerationState,
  isDraft,
  type OverlayText,
  overlayTextSchema,
  type Plan,
  type PlanEdit,
  planSchema,
  type ScenePlan,
  TEXT_LOOKS,
  type TextLook,
  undrawableIn,
} from '@clipmesh/contracts';

/** An edit was rejected; `field` is the path of the cause within the edit. */
export class PlanEditError extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
    this.name = 'PlanEditError';
  }
}

/** Whether the plan waits for approval, so that the user may still change it. */
export function isReviewed({ status, approved }: Pick<GenerationState, 'status' | 'approved'>): boolean {
  return status === 'awaiting_approval' && approved !== true;
}

/** Whether the plan may be changed: it waits for approval, or its draft is being made. */
export function isEditable(state: Pick<GenerationState, 'status' | 'approved' | 'job'>): boolean {
  return isReviewed(state) || (isDraft(state) && (state.status === 'generating' || state.status === 'composing'));
}

/** An edit has a text with characters that no font has. */
export class UndrawableTextError extends PlanEditError {
  constructor(
    field: string,
    readonly characters: readonly string[],
  ) {
    super(field, `no font can draw ${characters.join(' ')}`);
    this.name = 'UndrawableTextError';
  }
}

/** Applies an edit to a plan and updates its duration to the sum of its scenes. Throws {@link PlanEditError}. */
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
    throw new PlanEditError('scenes', `the scenes take ${durationSeconds} s in total; a video takes ${min}-${max} s`);
  // Parsed, so that the fields are in the order in which the plan is stored and its ETag is computed.
  return planSchema.parse({
    ...plan,
    ...defined({ title: edit.title }),
    style: { ...plan.style, ...defined(edit.style ?? {}) },
    durationSeconds,
    scenes,
    ...defined({ music: edit.music, product: editProduct(plan.product, edit.product) }),
  });
}

function editProduct(product: Plan['product'], change: PlanEdit['product']): Plan['product'] {
  if (change === undefined) return product;
  const name = change.name ?? product?.name;
  if (name === undefined) throw new PlanEditError('product.name', 'the plan names no product; set product.name');
  return { benefits: [], ...product, ...defined(change), name };
}

/** What a new look changes besides itself. */
const lookOf = ({ look }: { readonly look?: TextLook | undefined }): Partial<OverlayText> =>
  look === undefined ? {} : TEXT_LOOKS[look];

function editScene(scene: ScenePlan, change: NonNullable<PlanEdit['scenes']>[number], field: string): ScenePlan {
  const { overlay: previous, script: spoken, ...kept } = scene;
  const { overlay, script, index, transition, ...rest } = change;
  if (index === 0 && transition !== undefined)
    throw new PlanEditError(`${field}.transition`, 'the first scene has no predecessor, so it has no transition');
  const edited = {
    ...kept,
    ...defined({ ...rest, transition, script: script === undefined ? spoken : (script ?? undefined) }),
  };
  if (overlay === null) return edited;
  if (overlay === undefined) return previous === undefined ? edited : { ...edited, overlay: previous };
  const text = overlay.text ?? previous?.text;
  if (text === undefined)
    throw new PlanEditError(`${field}.overlay.text`, 'the scene has no overlay text; set overlay.text');
  const missing = overlay.text === undefined ? [] : undrawableIn(overlay.text);
  if (missing.length > 0) throw new UndrawableTextError(`${field}.overlay.text`, missing);
  return {
    ...edited,
    overlay: overlayTextSchema.parse({ ...previous, ...lookOf(overlay), ...defined(overlay), text }),
  };
}

/** The properties that are not undefined. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
