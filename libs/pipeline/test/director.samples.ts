import { quoteClip } from '@clipmesh/billing';
import { SAMPLE_MODELS } from '@clipmesh/testing';
import { type DirectorEvent } from '../src/director/director.event.js';
import { decide as decideWith, type Decision } from '../src/director/director.js';
import {
  regenerateScene as regenerateWith,
  type SceneRegeneration,
} from '../src/director/scenes/scene.regeneration.js';
import {
  type Artifact,
  type Charge,
  ClipGenerate,
  type ClipGenerateBody,
  eventNamed,
  type Failure,
  type GenerationState,
  type Job,
  messageId,
  type Outgoing,
  OverlayApplied,
  type OverlayApplyBody,
  type Plan,
  PlanWritten,
  SCENE_STEPS,
  type SceneStep,
} from '@clipmesh/contracts';
import { planFromTemplate } from '../src/plan/plan.writer.js';

export const generationId = `gen_${'0'.repeat(32)}`;
export const at = '2026-01-01T00:00:00.000Z';
/** What the bodies of all events have. */
export const base = { generationId, at, charges: [] };
export const [FIRST, SECOND] = ['google/veo-3.1', 'bytedance/seedance-1-lite'] as const;

/** A job of three scenes of 4 s, two at a time, by one model. */
export const jobOf = (change: Partial<Job> = {}): Job => ({
  prompt: 'A kettle that sings.',
  durationSeconds: 12,
  aspectRatio: '9:16',
  sceneCount: 3,
  seed: 1,
  overlays: true,
  models: [FIRST],
  window: 2,
  fallbackAfter: 3,
  ...change,
});

export const planWritten = (job: Job, plan: Plan = planFromTemplate(job)): DirectorEvent => ({
  id: 'plan',
  name: PlanWritten.name,
  body: { ...base, attempt: 1, plan },
});

/** A stored file. Each digit is another content. */
export const fileOf = (digit: string): Artifact => ({
  key: `${digit.repeat(2)}/${digit.repeat(64)}.mp4`,
  sha256: digit.repeat(64),
  bytes: 1,
  contentType: 'video/mp4',
});

/** The charge of a clip of 4 s by the first model. */
export const chargeOf = (change: Partial<Charge> = {}): Charge => ({
  key: 'prediction:p0',
  kind: 'clip',
  stage: 'clip',
  provider: 'replicate',
  model: FIRST,
  quantity: 4,
  unit: 'second',
  amountMicros: 480_000,
  scene: 0,
  outcome: 'succeeded',
  ...change,
});

/** A terminal failure of a clip that was not charged. */
export const failureOf = (code: Failure['code'], change: Partial<Failure> = {}): Failure => ({
  code,
  stage: 'clip',
  message: 'no',
  retryable: false,
  charged: false,
  ...change,
});

/** The clips that messages command, in order. */
export const clipsIn = (outgoing: readonly Outgoing[]): ClipGenerateBody[] =>
  outgoing.filter(({ definition }) => definition === ClipGenerate).map(({ body }) => body as ClipGenerateBody);

/** The steps of a scene after its clip. */
export const LATER_STEPS: readonly SceneStep[] = SCENE_STEPS.slice(1);
/** The first step after the clip. */
export const NEXT_STEP: SceneStep = LATER_STEPS[0] ?? SCENE_STEPS[0];

/** What an overlay reports beside its file. The file is its thumbnail and its transitions too, so that specs see whose they are. */
function appliedFields({ scene, handleFrames, blends }: OverlayApplyBody, file: Artifact): object {
  return {
    thumbnail: { picture: file, luma: 100, contrast: 50, detail: 0.1 },
    warnings: ['it is silent'],
    ...(handleFrames === undefined ? {} : { handleFrames }),
    ...(blends === undefined
      ? {}
      : {
          blends: blends.map(({ scene: index, kind, neighbour: { key } }) => {
            const [from, to] = index === scene ? [key, file.key] : [file.key, key];
            return { scene: index, blend: { kind, clip: file, from, to } };
          }),
        }),
  };
}

/** The answer to a command for a step after the clip: its file, or its failure. Undefined for any other command. */
export function stepAnswer({ definition, body }: Outgoing, end: Artifact | Failure): DirectorEvent | undefined {
  const step = LATER_STEPS.find(({ command }) => command === definition.name);
  if (step === undefined) return undefined;
  const { scene, attempt } = body as unknown as { scene: number; attempt: number };
  const isFailure = 'code' in end;
  const name = isFailure ? step.failed : step.done;
  const reply = {
    ...base,
    scene,
    attempt,
    ...(isFailure ? { failure: { ...end, stage: step.stage } } : { clip: end }),
    ...(isFailure || name !== OverlayApplied.name ? {} : appliedFields(body as OverlayApplyBody, end)),
  };
  return { name, body: reply, id: messageId(eventNamed(name), reply) } as DirectorEvent;
}

/** Decides with the sample models. */
export const decide = (state: GenerationState, event: DirectorEvent): Decision =>
  decideWith(state, event, SAMPLE_MODELS);

/** Regenerates with the sample models. */
export const regenerateScene = (state: GenerationState, change: SceneRegeneration, cause: string): GenerationState =>
  regenerateWith(state, change, cause, SAMPLE_MODELS);

/** The price of a sample model's clip for a scene of `seconds`, micro-dollars. Undefined: unknown model. */
export function clipPrice(model: string, seconds: number): number | undefined {
  const terms = SAMPLE_MODELS.get(model);
  return terms && quoteClip(terms, { seconds, aspectRatio: '9:16', hasImage: false, sound: true })?.highMicros;
}
