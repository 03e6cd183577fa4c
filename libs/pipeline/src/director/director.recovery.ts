import { type Failure, type GenerationState, type Plan, type SceneState, type SceneStatus } from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';

/** Clip failures that are caused by the provider, not by the clip. */
const PROVIDER_FAILURES: ReadonlySet<Failure['code']> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_TIMEOUT',
  'PREDICTION_FAILED',
  'TIMEOUT',
]);

/** Starts the scenes of a plan. */
export function beginScenes(state: GenerationState, plan: Plan): GenerationState {
  const scene = { status: 'waiting', attempt: 0, modelIndex: 0, cached: false, costMicros: 0 } as const;
  const scenes = plan.scenes.map(({ index }) => ({ index, ...scene }));
  return { ...state, status: 'generating', stage: 'clip', plan, scenes };
}

/** Starts an approved plan; the same state when no approved plan is waiting. */
export function resume(state: GenerationState): GenerationState {
  const { status, approved, plan } = state;
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

/** Restarts an unfinished scene where it failed; without its clip when the clip was the cause. */
export function retryScene(scene: SceneState, cause: string): SceneState {
  if (scene.status === 'done' || scene.status === 'waiting') return scene;
  const { failure, cause: _previous, reseeded: _reseeded, ...rest } = scene;
  // The clip of this seed was refused.
  const seed = failure?.code === 'OUTPUT_REFUSED' && rest.seed !== undefined ? { seed: nextSeed(rest.seed) } : {};
  if (scene.clip === undefined) return { ...rest, ...seed, status: 'waiting', modelIndex: 0 };
  if (failure?.code !== 'MEDIA_INVALID' && failure?.code !== 'ARTIFACT_MISSING')
    return { ...rest, status: 'composing', attempt: scene.attempt + 1, cause };
  const { clip: _clip, predictionId, ...bare } = rest;
  return {
    ...bare,
    status: 'waiting',
    modelIndex: 0,
    cached: false,
    // The provider may still have a missing file. An unreadable one would be unreadable again.
    ...(failure.code === 'MEDIA_INVALID' && predictionId !== undefined ? { rejectedPrediction: predictionId } : {}),
  };
}

/** Whether a scene in this status waits for the answer to a command. */
const AWAITS_ANSWER: Readonly<Record<SceneStatus, boolean>> = {
  waiting: false,
  generating: true,
  composing: true,
  done: false,
  failed: false,
  canceled: false,
};

/** Requests every unanswered command again. */
export function revive(before: GenerationState, cause: string): GenerationState {
  const state = resume(before);
  return {
    ...state,
    revivals: state.revivals + 1,
    ...(state.plan === undefined ? { planning: { ...state.planning, cause } } : {}),
    ...(state.status === 'composing' && state.stitch !== undefined ? { stitch: { ...state.stitch, cause } } : {}),
    scenes: state.scenes.map((scene) => (AWAITS_ANSWER[scene.status] ? { ...scene, cause } : scene)),
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
