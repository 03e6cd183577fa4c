import {
  type Artifact,
  type Failure,
  type GenerationState,
  LAST_STEP,
  type Plan,
  SCENE_STEPS,
  type SceneState,
  type SceneStep,
  stepOf,
} from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { releaseAllowance } from './director.budget.js';
import { type DirectorEvent } from './director.event.js';
import { runJob, suitableModel } from './director.models.js';

/** Clip failures that are caused by the provider, not by the clip. */
const PROVIDER_FAILURES: ReadonlySet<Failure['code']> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_TIMEOUT',
  'PREDICTION_FAILED',
  'TIMEOUT',
]);

/**
 * Failures that the next model may avoid. A refusal is not one of them: it concerns the prompt, and a provider may close an
 * account that sends a refused prompt to one model after another.
 */
const NEXT_MODEL_MAY_HELP: ReadonlySet<Failure['code']> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_TIMEOUT',
  'PREDICTION_FAILED',
  'MODEL_FAILED',
  'PROVIDER_BAD_INPUT',
  'PROVIDER_BAD_ANSWER',
  'DOWNLOAD_EXPIRED',
  'MEDIA_INVALID',
  'TIMEOUT',
  'BUDGET_EXCEEDED',
]);

/** Failures of a step whose input is missing or unreadable: the step that made it runs again. */
const UNUSABLE_INPUT: ReadonlySet<Failure['code']> = new Set(['MEDIA_INVALID', 'ARTIFACT_MISSING']);

/**
 * Starts the scenes of a plan. The command steps of a draft's scenes continue, so that a late answer to one of them is ignored, and
 * what is spoken in them stays.
 */
export function beginScenes(
  { finishedBy: _finishedBy, finishedAt: _finishedAt, ...state }: GenerationState,
  plan: Plan,
): GenerationState {
  const scene = { status: 'waiting', modelIndex: 0, cached: false, costMicros: 0 } as const;
  const scenes = plan.scenes.map(({ index }): SceneState => {
    const { attempt = 0, speech } = state.scenes[index] ?? {};
    return { index, attempt, ...scene, ...(speech === undefined ? {} : { speech }) };
  });
  return { ...state, status: 'generating', stage: 'clip', plan, scenes };
}

/** Whether no scene of the run has started. The run of an approved draft is stored like this, and its event starts the scenes. */
export const isUnstarted = ({ status, scenes }: GenerationState): boolean =>
  status === 'generating' && scenes.every((scene) => scene.status === 'waiting' && scene.cause === undefined);

/** Starts an approved plan; the same state when no approved plan is waiting. */
export function resume(state: GenerationState): GenerationState {
  const { status, approved, plan } = state;
  if (approved === true && isUnstarted(state)) return { ...state };
  return status === 'awaiting_approval' && approved === true && plan !== undefined ? beginScenes(state, plan) : state;
}

/** Whether the event begins the next run of a failed generation. */
export function isRetry(state: GenerationState, event: DirectorEvent): boolean {
  return event.name === 'retry.requested' && state.status === 'failed' && event.body.run === state.run + 1;
}

/** Starts another run of a failed generation. Finished work stays; failed work restarts where it failed. */
export function retry(state: GenerationState, cause: string): GenerationState {
  if (state.status !== 'failed') return state;
  const { failure: _failure, finishedBy: _finishedBy, finishedAt: _finishedAt, fallback: _fallback, ...kept } = state;
  const run = { ...kept, run: state.run + 1, window: state.job.window, failures: [] };
  if (state.plan === undefined)
    return { ...run, status: 'queued', stage: 'planning', planning: { attempt: state.planning.attempt + 1, cause } };
  // A plan that was reviewed and never started.
  if (state.scenes.length === 0) return resume({ ...run, status: 'awaiting_approval', stage: 'planning' });
  if (state.scenes.every(({ status }) => status === 'done'))
    return {
      ...run,
      status: 'composing',
      stage: 'stitch',
      stitch: { attempt: (state.stitch?.attempt ?? 0) + 1, cause },
    };
  return { ...run, status: 'generating', stage: 'clip', scenes: state.scenes.map((scene) => retryScene(scene, cause)) };
}

const SEED_COUNT = 2_147_483_648;

/** The seed after this one. Deterministic, as the director is pure. */
export const nextSeed = (seed: number): number => (seed + 1) % SEED_COUNT;

/** The latest file of a scene that was made before this step. Undefined: none. */
export function latestResult(scene: SceneState, before: SceneStep): { step: SceneStep; file: Artifact } | undefined {
  return SCENE_STEPS.slice(0, SCENE_STEPS.indexOf(before))
    .flatMap((step) => {
      const file = scene[step.result];
      return file === undefined ? [] : [{ step, file }];
    })
    .at(-1);
}

/** The scene without the files of this step and of all later ones. */
export function dropResults(scene: SceneState, from: SceneStep['status']): SceneState {
  const first = SCENE_STEPS.findIndex(({ status }) => status === from);
  const dropped = new Set<string>([
    'thumbnail',
    'warnings',
    'handleFrames',
    ...SCENE_STEPS.slice(first).map(({ result }) => result),
  ]);
  return Object.fromEntries(Object.entries(scene).filter(([field]) => !dropped.has(field))) as SceneState;
}

/** The first step whose file the scene does not have. */
const missingStep = (scene: SceneState): SceneStep =>
  SCENE_STEPS.find(({ result }) => scene[result] === undefined) ?? LAST_STEP;

/** Continues a scene with the first step whose file is missing. A scene without a clip waits for the window. */
export function continueScene(scene: SceneState, cause: string): SceneState {
  const { status } = missingStep(scene);
  if (status !== 'generating') return { ...scene, status, attempt: scene.attempt + 1, cause };
  const { predictionId: _bought, ...bare } = scene;
  return { ...bare, status: 'waiting', modelIndex: 0, cached: false };
}

/** Restarts an unfinished scene where it failed; without the file that the failed step could not use. */
export function retryScene(scene: SceneState, cause: string): SceneState {
  if (scene.status === 'done' || scene.status === 'waiting') return scene;
  const { failure, cause: _previous, reseeded: _reseeded, ...rest } = scene;
  const input = latestResult(scene, missingStep(scene));
  // The clip of this seed was refused.
  if (failure?.code === 'OUTPUT_REFUSED' && input === undefined && rest.seed !== undefined)
    return continueScene({ ...rest, seed: nextSeed(rest.seed) }, cause);
  if (failure === undefined || input === undefined || !UNUSABLE_INPUT.has(failure.code))
    return continueScene(rest, cause);
  const restarted = continueScene(dropResults(rest, input.step.status), cause);
  // The provider may still have a missing file. An unreadable one would be unreadable again.
  return failure.code === 'MEDIA_INVALID' && restarted.clip === undefined && scene.predictionId !== undefined
    ? { ...restarted, rejectedPrediction: scene.predictionId }
    : restarted;
}

/** Marks the failure as charged when earlier work has cost money: a service only knows the cost of its own work. */
export const withCharged = (failure: Failure, costMicros: number): Failure => ({
  ...failure,
  charged: failure.charged || costMicros > 0,
});

/** The scene after its clip has failed: it retries with another seed, falls back to the next model, or fails. */
export function nextTry(
  state: GenerationState,
  ended: SceneState,
  failure: Failure,
  cause: string,
  models: ModelTable,
): SceneState {
  const { plan } = state;
  const job = runJob(state);
  const scene = releaseAllowance(ended, failure);
  // With a budget, the scene waits until the budget allows the next command.
  const again = (change: Partial<SceneState>, waiting: Pick<SceneState, 'failure'> = {}): SceneState =>
    job.maxCostMicros === undefined
      ? { ...scene, ...change, attempt: scene.attempt + 1, cause }
      : { ...scene, ...change, ...waiting, status: 'waiting' };
  if (failure.code === 'OUTPUT_REFUSED' && scene.reseeded !== true && plan !== undefined)
    return again(
      { seed: nextSeed(scene.seed ?? plan.seed), reseeded: true },
      // The scene keeps its model, and fails with this failure when the budget does not allow that.
      { failure: withCharged(failure, scene.costMicros) },
    );
  const seconds = plan?.scenes[scene.index]?.durationSeconds ?? 0;
  const next = suitableModel(job, seconds, models, scene.modelIndex + 1);
  if (NEXT_MODEL_MAY_HELP.has(failure.code) && next !== undefined) return again({ modelIndex: next });
  return { ...scene, status: 'failed', failure: withCharged(failure, scene.costMicros) };
}

/** Requests every unanswered command again. */
export function revive(before: GenerationState, cause: string): GenerationState {
  const state = resume(before);
  return {
    ...state,
    revivals: state.revivals + 1,
    ...(state.plan === undefined ? { planning: { ...state.planning, cause } } : {}),
    ...(state.status === 'composing' && state.stitch !== undefined ? { stitch: { ...state.stitch, cause } } : {}),
    scenes: state.scenes.map((scene) => ({
      ...scene,
      ...(stepOf(scene.status) === undefined ? {} : { cause }),
      ...(scene.speech?.status === 'pending' ? { speech: { ...scene.speech, cause } } : {}),
    })),
  };
}

/** The failure of a stalled generation. */
export function stallFailure({ stage, costMicros }: GenerationState, idleMs: number): Failure {
  return {
    code: 'STALLED',
    stage,
    message: `no progress for ${Math.round(idleMs / 1000)} s, although the work was sent again`,
    retryable: true,
    charged: costMicros > 0,
  };
}

/** Falls back to one scene at a time after repeated provider failures. Clips in progress continue. */
export function narrowWindow(state: GenerationState, event: DirectorEvent): GenerationState {
  const { name, body } = event;
  if ((name !== 'work.retried' && name !== 'clip.failed') || body.failure.stage !== 'clip') return state;
  if (state.window === 1 || !PROVIDER_FAILURES.has(body.failure.code) || state.failures.includes(event.id))
    return state;
  const failures = [...state.failures, event.id];
  if (failures.length < state.job.fallbackAfter) return { ...state, failures };
  return { ...state, failures, window: 1, fallback: { code: body.failure.code, window: state.window, at: body.at } };
}
