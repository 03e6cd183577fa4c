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
import { affordable, released } from './director.budget.js';
import { type DirectorEvent } from './director.event.js';
import { noted } from './director.incidents.js';
import { causedBy, finalEvent, progressed } from './director.messages.js';
import { anotherSeed, begin, isRetry, narrow, resume, retry, revive, stalled } from './director.recovery.js';

export interface Decision {
  readonly state: GenerationState;
  /** Commands and events to publish once the state is saved. */
  readonly outgoing: readonly Outgoing[];
}

/**
 * Failures after which the next model may do better. A refusal is none of them: it is about the prompt, and a provider may
 * close the account of whoever takes a refused prompt from model to model.
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

/** The state of a generation that was just asked for. */
export function initialState(job: Job): GenerationState {
  return {
    status: 'queued',
    stage: 'planning',
    job,
    run: 1,
    planning: { attempt: 1 },
    window: job.window,
    scenes: [],
    setbacks: [],
    revivals: 0,
    incidents: [],
    costMicros: 0,
    chargeKeys: [],
  };
}

/**
 * The director: a pure reducer. An event told twice changes nothing, and asks again for exactly the messages that this
 * event had caused and that are still outstanding, so that a crash between saving and publishing loses nothing.
 */
export function decide(before: GenerationState, event: DirectorEvent): Decision {
  const state = noted(charge(before, event.body.charges), event);
  if (isFinal(state.status) && !isRetry(state, event))
    return { state, outgoing: state.finishedBy === event.id ? [finalEvent(state, event)] : [] };
  const after = narrow(apply(state, event), event);
  if (after === state) return { state, outgoing: causedBy(state, event) };
  const settled = conclude(fillWindow(after, event.id), event);
  const last = isFinal(settled.status) ? finalEvent(settled, event) : progressed(settled, event);
  return { state: settled, outgoing: [...causedBy(settled, event), last] };
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

/** The state after the event, or the same object when the event is late, repeated or none of the director's business. */
function apply(state: GenerationState, event: DirectorEvent): GenerationState {
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
        : begin(state, body.plan);
    case 'plan.approved':
      return resume(state);
    case 'plan.failed':
      return state.plan === undefined && body.attempt === state.planning.attempt
        ? { ...state, failure: spent(body.failure, state.costMicros) }
        : state;
    case 'clip.generated':
      return withScene(state, body, 'generating', (scene) => ({
        ...released(scene),
        status: 'composing',
        attempt: scene.attempt + 1,
        cause: event.id,
        clip: body.clip,
        // The clip may be one that a former model had made after all.
        modelIndex: state.job.models.includes(body.model) ? state.job.models.indexOf(body.model) : scene.modelIndex,
        predictionId: body.predictionId,
        cached: body.cached,
      }));
    case 'clip.failed':
      return withScene(state, body, 'generating', (scene) => nextStep(state, scene, body.failure, event.id));
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
        failure: spent(body.failure, scene.costMicros),
      }));
    case 'video.stitched':
      return isJoined(state, body) ? withFilm(state, body.result) : state;
    case 'stitch.failed':
      return isJoined(state, body) ? { ...state, failure: spent(body.failure, state.costMicros) } : state;
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
        : { ...state, revivals: body.revival, failure: stalled(state, body.idleMs) };
    // Whoever tells of it has changed the state before; what is left is to ask for the work.
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

/** Whether the event answers the join that is under way. */
const isJoined = ({ status, stitch }: GenerationState, { attempt }: { attempt: number }): boolean =>
  status === 'composing' && stitch?.attempt === attempt;

function withFilm({ former: _former, ...state }: GenerationState, result: GenerationResult): GenerationState {
  return { ...state, result };
}

/** Changes the scene that the event is about, when it is in that step and the event answers its current attempt. */
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

/** A service knows what its own work cost; what failed may have cost money before. */
const spent = (failure: Failure, costMicros: number): Failure => ({
  ...failure,
  charged: failure.charged || costMicros > 0,
});

/** The scene after its clip was given up: made once more with another seed, made by the next model, or failed. */
function nextStep({ job, plan }: GenerationState, ended: SceneState, failure: Failure, cause: string): SceneState {
  const scene = released(ended, failure);
  // The command goes out again by way of the budget, if there is one.
  const again = (change: Partial<SceneState>, waiting: Pick<SceneState, 'failure'> = {}): SceneState =>
    job.maxCostMicros === undefined
      ? { ...scene, ...change, attempt: scene.attempt + 1, cause }
      : { ...scene, ...change, ...waiting, status: 'waiting' };
  if (failure.code === 'OUTPUT_REFUSED' && scene.reseeded !== true && plan !== undefined)
    return again(
      { seed: anotherSeed(scene.seed ?? plan.seed), reseeded: true },
      // The waiting scene stays with its model, and fails with this when that does not fit into the budget.
      { failure: spent(failure, scene.costMicros) },
    );
  const next = scene.modelIndex + 1;
  if (NEXT_MODEL_MAY_HELP.has(failure.code) && next < job.models.length) return again({ modelIndex: next });
  return { ...scene, status: 'failed', failure: spent(failure, scene.costMicros) };
}

/** Starts waiting scenes, lowest index first, while fewer than `window` clips are being generated. */
export function fillWindow(state: GenerationState, cause: string): GenerationState {
  if (state.status !== 'generating') return state;
  let free = state.window - state.scenes.filter((scene) => scene.status === 'generating').length;
  if (free <= 0 || !state.scenes.some((scene) => scene.status === 'waiting')) return state;
  let filled = state;
  for (const scene of state.scenes) {
    if (scene.status !== 'waiting' || free <= 0) continue;
    const next = affordable(filled, scene);
    if (next === scene) continue;
    const sent = next.status === 'generating';
    if (sent) free -= 1;
    const told = sent ? { ...next, attempt: scene.attempt + 1, cause } : next;
    filled = { ...filled, scenes: filled.scenes.map((each) => (each === scene ? told : each)) };
  }
  return filled;
}

/** Moves on when the step that is under way has ended: to the join, or to a final status. */
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
