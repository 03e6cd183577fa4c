import {
  type Charge,
  type Failure,
  type GenerationResult,
  type GenerationState,
  isFinal,
  type Job,
  type Outgoing,
  type SceneState,
} from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { releaseAllowance, startScene } from './director.budget.js';
import { type DirectorEvent } from './director.event.js';
import { withIncident, withSkipped } from './director.incidents.js';
import { commandsCausedBy, finalEvent, progressEvent } from './director.messages.js';
import { skippedModels, suitableModel } from './director.models.js';
import {
  beginScenes,
  isRetry,
  narrowWindow,
  nextSeed,
  resume,
  retry,
  revive,
  stallFailure,
} from './director.recovery.js';

export interface Decision {
  readonly state: GenerationState;
  /** Commands and events to publish once the state is saved. */
  readonly outgoing: readonly Outgoing[];
}

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

/** The state of a new generation. */
export function initialState(job: Job): GenerationState {
  return {
    status: 'queued',
    stage: 'planning',
    job,
    run: 1,
    planning: { attempt: 1 },
    window: job.window,
    scenes: [],
    failures: [],
    revivals: 0,
    incidents: [],
    costMicros: 0,
    chargeKeys: [],
  };
}

/**
 * The director: a pure reducer. A repeated event changes no state, and returns exactly the messages that it caused before
 * and that still have no answer. So a crash between saving and publishing loses no message. `models`: the terms of the video
 * models that this installation knows.
 */
export function decide(before: GenerationState, event: DirectorEvent, models: ModelTable): Decision {
  const state = withIncident(charge(before, event.body.charges), event);
  if (isFinal(state.status) && !isRetry(state, event))
    return { state, outgoing: state.finishedBy === event.id ? [finalEvent(state, event)] : [] };
  const after = narrowWindow(apply(state, event, models), event);
  if (after === state) return { state, outgoing: commandsCausedBy(state, event, models) };
  const filled = fillWindow(after, event.id, models);
  const settled = conclude(withSkipped(filled, skippedModels(state, filled, models, event)), event);
  const last = isFinal(settled.status) ? finalEvent(settled, event) : progressEvent(settled, event);
  return { state: settled, outgoing: [...commandsCausedBy(settled, event, models), last] };
}

function charge(state: GenerationState, charges: readonly Charge[]): GenerationState {
  const fresh = charges.filter((entry) => !state.chargeKeys.includes(entry.key));
  if (fresh.length === 0) return state;
  return {
    ...state,
    costMicros: fresh.reduce((sum, entry) => sum + entry.amountMicros, state.costMicros),
    chargeKeys: [...state.chargeKeys, ...fresh.map((entry) => entry.key)],
    scenes: state.scenes.map((scene) => {
      const own = fresh.filter((entry) => entry.scene === scene.index);
      return own.length === 0
        ? scene
        : { ...scene, costMicros: own.reduce((sum, entry) => sum + entry.amountMicros, scene.costMicros) };
    }),
  };
}

/** The state after the event; the same object when the event is late, repeated or irrelevant. */
function apply(state: GenerationState, event: DirectorEvent, models: ModelTable): GenerationState {
  const { name, body } = event;
  switch (name) {
    case 'plan.started':
      return state.status === 'queued' && body.attempt === state.planning.attempt
        ? { ...state, status: 'planning' }
        : state;
    case 'plan.written':
      if (state.plan !== undefined || body.attempt !== state.planning.attempt) return state;
      return state.job.review === true
        ? { ...state, status: 'awaiting_approval', plan: body.plan }
        : beginScenes(state, body.plan);
    case 'plan.approved':
      return resume(state);
    case 'plan.failed':
      return state.plan === undefined && body.attempt === state.planning.attempt
        ? { ...state, failure: withCharged(body.failure, state.costMicros) }
        : state;
    case 'clip.generated':
      return withScene(state, body, 'generating', (scene) => ({
        ...releaseAllowance(scene),
        status: 'composing',
        attempt: scene.attempt + 1,
        cause: event.id,
        clip: body.clip,
        // The clip may come from an earlier model, whose purchase had an unknown outcome.
        modelIndex: state.job.models.includes(body.model) ? state.job.models.indexOf(body.model) : scene.modelIndex,
        predictionId: body.predictionId,
        cached: body.cached,
      }));
    case 'clip.failed':
      return withScene(state, body, 'generating', (scene) => nextStep(state, scene, body.failure, event.id, models));
    case 'overlay.applied':
      return withScene(state, body, 'composing', (scene) => ({
        ...scene,
        status: 'done',
        overlaid: body.clip,
        ...(event.traceparent === undefined ? {} : { doneTraceparent: event.traceparent }),
      }));
    case 'overlay.failed':
      return withScene(state, body, 'composing', (scene) => ({
        ...scene,
        status: 'failed',
        failure: withCharged(body.failure, scene.costMicros),
      }));
    case 'video.stitched':
      return answersStitch(state, body) ? withResult(state, body.result) : state;
    case 'stitch.failed':
      return answersStitch(state, body) ? { ...state, failure: withCharged(body.failure, state.costMicros) } : state;
    case 'cancel.requested':
      return {
        ...state,
        status: 'canceled',
        scenes: state.scenes.map((scene) =>
          scene.status === 'done' || scene.status === 'failed' ? scene : { ...scene, status: 'canceled' },
        ),
      };
    case 'retry.requested':
      return retry(state, event.id);
    case 'stall.noticed':
      if (body.revival !== state.revivals + 1) return state;
      return body.revive
        ? revive(state, event.id)
        : { ...state, revivals: body.revival, failure: stallFailure(state, body.idleMs) };
    // The publisher of `scene.reopened` has already changed the state; only its commands are left to publish.
    case 'scene.reopened':
    case 'plan.abandoned':
    case 'clip.abandoned':
    case 'work.retried':
    case 'generation.progressed':
    case 'generation.succeeded':
    case 'generation.failed':
    case 'generation.canceled':
      return state;
  }
}

/** Whether the event answers the current stitch command. */
const answersStitch = ({ status, stitch }: GenerationState, { attempt }: { attempt: number }): boolean =>
  status === 'composing' && stitch?.attempt === attempt;

function withResult(
  { previousResult: _previous, ...state }: GenerationState,
  result: GenerationResult,
): GenerationState {
  return { ...state, result };
}

/** Changes the event's scene if it has the expected status and the event answers its current step. */
function withScene(
  state: GenerationState,
  of: { scene: number; attempt: number },
  expected: SceneState['status'],
  change: (scene: SceneState) => SceneState,
): GenerationState {
  const scene = state.scenes[of.scene];
  if (scene === undefined || scene.status !== expected || scene.attempt !== of.attempt) return state;
  return { ...state, scenes: state.scenes.map((each) => (each === scene ? change(each) : each)) };
}

/** Marks the failure as charged when earlier work has cost money: a service only knows the cost of its own work. */
const withCharged = (failure: Failure, costMicros: number): Failure => ({
  ...failure,
  charged: failure.charged || costMicros > 0,
});

/** The scene after its clip has failed: it retries with another seed, falls back to the next model, or fails. */
function nextStep(
  { job, plan }: GenerationState,
  ended: SceneState,
  failure: Failure,
  cause: string,
  models: ModelTable,
): SceneState {
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

/** Starts waiting scenes, lowest index first, while fewer than `window` clips are being generated. */
export function fillWindow(state: GenerationState, cause: string, models: ModelTable): GenerationState {
  if (state.status !== 'generating') return state;
  let freeSlots = state.window - state.scenes.filter((scene) => scene.status === 'generating').length;
  if (freeSlots <= 0 || !state.scenes.some((scene) => scene.status === 'waiting')) return state;
  let filled = state;
  for (const scene of state.scenes) {
    if (scene.status !== 'waiting' || freeSlots <= 0) continue;
    const next = startScene(filled, scene, models);
    if (next === scene) continue;
    const sent = next.status === 'generating';
    if (sent) freeSlots -= 1;
    const started = sent ? { ...next, attempt: scene.attempt + 1, cause } : next;
    filled = { ...filled, scenes: filled.scenes.map((each) => (each === scene ? started : each)) };
  }
  return filled;
}

/** Moves on to the stitch stage or to a final status when the current stage has ended. */
function conclude(state: GenerationState, event: DirectorEvent): GenerationState {
  const ended = { finishedBy: event.id, finishedAt: event.body.at };
  if (state.status === 'canceled') return { ...state, ...ended };
  if (state.failure !== undefined) return { ...state, ...ended, status: 'failed' };
  if (state.result !== undefined) return { ...state, ...ended, status: 'succeeded', stage: 'export' };
  if (state.status !== 'generating' || state.scenes.some(({ status }) => status !== 'done' && status !== 'failed'))
    return state;
  const failed = state.scenes.find((scene) => scene.status === 'failed');
  if (failed?.failure !== undefined)
    return { ...state, ...ended, status: 'failed', stage: failed.failure.stage, failure: failed.failure };
  return {
    ...state,
    status: 'composing',
    stage: 'stitch',
    stitch: { attempt: (state.stitch?.attempt ?? 0) + 1, cause: event.id },
  };
}
