import {
  type Artifact,
  ClipGenerate,
  encodeProfile,
  type GenerationState,
  type Job,
  message,
  type Outgoing,
  OverlayApply,
  type Plan,
  SCENE_STEPS,
  type SceneState,
  type SceneStep,
  stepAfter,
  stepOf,
} from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { clipPrompt } from '../../plan/plan.rules.js';
import { releaseAllowance } from '../director.budget.js';
import { type DirectorEvent } from '../director.event.js';
import { modelQuote, runJob } from '../director.models.js';
import { type overlayBlends, withBlended } from './scene.blends.js';
import { latestResult, nextTry, withCharged } from '../director.recovery.js';

/** An event that ends a step of a scene. */
export type StepEvent = Extract<DirectorEvent, { readonly name: SceneStep['done' | 'failed'] }>;
const STEP_BY_EVENT: ReadonlyMap<string, SceneStep> = new Map(
  SCENE_STEPS.flatMap((step) => [
    [step.done, step],
    [step.failed, step],
  ]),
);
export const isStepEvent = (event: DirectorEvent): event is StepEvent => STEP_BY_EVENT.has(event.name);

/** What a command for a scene is built from. */
export interface StepContext {
  /** What identifies the command: generation, scene and command step. */
  readonly key: { generationId: string; revival?: number; scene: number; attempt: number };
  readonly job: Job;
  readonly plan: Plan;
  readonly scenePlan: Plan['scenes'][number];
  readonly scene: SceneState;
  /** What the overlay needs for the transitions of the scene. */
  readonly blends: ReturnType<typeof overlayBlends>;
  readonly models: ModelTable;
}

/** The command of each step after the clip, by the status of the scene. `file`: the result of the step before. */
const COMMANDS: Readonly<
  Record<Exclude<SceneStep['status'], 'generating'>, (context: StepContext, file: Artifact) => Outgoing>
> = {
  composing: ({ key, job, scenePlan: { durationSeconds, overlay }, blends }, clip) =>
    message(OverlayApply, {
      ...key,
      clip,
      durationSeconds,
      profile: encodeProfile(job.aspectRatio),
      ...(overlay === undefined ? {} : { overlay }),
      ...blends,
    }),
};

function clipCommand({ key, job, plan, scenePlan, scene, models }: StepContext): Outgoing {
  const quote = modelQuote(job, scenePlan.durationSeconds, models, scene.modelIndex);
  return message(ClipGenerate, {
    ...key,
    model: job.models[scene.modelIndex] ?? '',
    prompt: clipPrompt(plan, scenePlan),
    durationSeconds: quote?.seconds ?? scenePlan.durationSeconds,
    aspectRatio: job.aspectRatio,
    seed: scene.seed ?? plan.seed,
    ...(job.referenceImage === undefined ? {} : { referenceImage: job.referenceImage }),
    ...(job.clipSound === undefined ? {} : { clipSound: job.clipSound }),
    ...(scene.allowanceMicros === undefined ? {} : { allowanceMicros: scene.allowanceMicros }),
    ...(job.cache === undefined ? {} : { cache: job.cache }),
    ...(scene.rejectedPrediction === undefined ? {} : { rejectedPrediction: scene.rejectedPrediction }),
  });
}

/** The command that the scene waits for. Undefined: it waits for none. */
export function stepCommand(context: StepContext): Outgoing | undefined {
  const { scene } = context;
  const step = stepOf(scene.status);
  if (step === undefined) return undefined;
  if (step.status === 'generating') return clipCommand(context);
  const input = latestResult(scene, step);
  return input && COMMANDS[step.status](context, input.file);
}

/**
 * The state after a step of a scene has ended; the same object when the event is late or repeated. A finished step starts the
 * next one, and a failed one fails its scene. Only the clip has rules of its own.
 */
export function applyStepEvent(state: GenerationState, event: StepEvent, models: ModelTable): GenerationState {
  const step = STEP_BY_EVENT.get(event.name);
  const scene = state.scenes[event.body.scene];
  if (step === undefined || scene === undefined) return state;
  if (scene.status !== step.status || scene.attempt !== event.body.attempt) return state;
  const after = afterStep(state, scene, step, event, models);
  const scenes = state.scenes.map((each) => (each === scene ? after : each));
  const made = event.name === 'overlay.applied' ? event.body.blends : undefined;
  return { ...state, scenes: made === undefined ? scenes : withBlended(scenes, made) };
}

function afterStep(
  state: GenerationState,
  scene: SceneState,
  step: SceneStep,
  event: StepEvent,
  models: ModelTable,
): SceneState {
  if (event.name === 'clip.failed') return nextTry(state, scene, event.body.failure, event.id, models);
  if ('failure' in event.body)
    return { ...scene, status: 'failed', failure: withCharged(event.body.failure, scene.costMicros) };
  const finished = advance(scene, step, event.body.clip, event);
  if (event.name === 'overlay.applied') {
    const { thumbnail, handleFrames, warnings } = event.body;
    return {
      ...finished,
      ...(thumbnail === undefined ? {} : { thumbnail }),
      ...(handleFrames === undefined ? {} : { handleFrames }),
      ...(warnings === undefined ? {} : { warnings }),
    };
  }
  const { model, predictionId, cached } = event.body;
  const { models: known } = runJob(state);
  return {
    ...releaseAllowance(finished),
    // The clip may come from an earlier model, whose purchase had an unknown outcome.
    modelIndex: known.includes(model) ? known.indexOf(model) : scene.modelIndex,
    ...(predictionId === undefined ? {} : { predictionId }),
    cached,
  };
}

/** The scene with the file of a step: the next step starts, or the scene is done. */
function advance(
  scene: SceneState,
  step: SceneStep,
  file: Artifact,
  { id, traceparent }: Pick<DirectorEvent, 'id' | 'traceparent'>,
): SceneState {
  const next = stepAfter(step);
  const made = { ...scene, [step.result]: file };
  if (next !== undefined) return { ...made, status: next.status, attempt: scene.attempt + 1, cause: id };
  return { ...made, status: 'done', ...(traceparent === undefined ? {} : { doneTraceparent: traceparent }) };
}
