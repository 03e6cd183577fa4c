import {
  type Charge,
  type GenerationResult,
  type GenerationState,
  isDraft,
  isFinal,
  type Job,
  type Outgoing,
  type SceneState,
} from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { startScene } from './director.budget.js';
import { type DirectorEvent } from './director.event.js';
import { withIncident, withSkipped } from './director.incidents.js';
import { commandsCausedBy, finalEvent, progressEvent } from './director.messages.js';
import { skippedModels } from './director.models.js';
import {
  beginScenes,
  isRetry,
  narrowWindow,
  resume,
  retry,
  revive,
  stallFailure,
  withCharged,
} from './director.recovery.js';
import { chooseBlends } from './scenes/scene.blends.js';
import { applySpeechEvent, pendingSpeeches, requestSpeech } from './director.speech.js';
import { applyStepEvent, isStepEvent } from './scenes/scene.steps.js';

export interface Decision {
  readonly state: GenerationState;
  /** Commands and events to publish once the state is saved. */
  readonly outgoing: readonly Outgoing[];
}

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
  if (after === state) return { state, outgoing: causedBy(state, event, models) };
  const filled = chooseBlends(state, fillWindow(after, event.id, models));
  const settled = conclude(withSkipped(filled, skippedModels(state, filled, models, event)), event);
  const last = isFinal(settled.status) ? finalEvent(settled, event) : progressEvent(settled, event);
  return { state: settled, outgoing: [...commandsCausedBy(settled, event, models), last] };
}

/** The messages that a repeated event caused and that have no answer yet. */
function causedBy(state: GenerationState, event: DirectorEvent, models: ModelTable): readonly Outgoing[] {
  // Webhooks are called for the progress that reports the wait for an approval.
  if (state.status === 'awaiting_approval' && state.finishedBy === event.id) return [progressEvent(state, event)];
  return commandsCausedBy(state, event, models);
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
      return own.length === 0 ? scene : withCost(scene, own);
    }),
  };
}

/** The scene with its charges. A reservation for its clip does not pay for its speech. */
function withCost(scene: SceneState, charges: readonly Charge[]): SceneState {
  const sum = (entries: readonly Charge[]): number => entries.reduce((all, { amountMicros }) => all + amountMicros, 0);
  const charged = { ...scene, costMicros: scene.costMicros + sum(charges) };
  if (scene.allowanceMicros === undefined) return charged;
  const spoken = sum(charges.filter(({ stage }) => stage === 'audio'));
  return { ...charged, allowanceMicros: scene.allowanceMicros + spoken };
}

/** The state after the event; the same object when the event is late, repeated or irrelevant. */
function apply(state: GenerationState, event: DirectorEvent, models: ModelTable): GenerationState {
  if (isStepEvent(event)) return applyStepEvent(state, event, models);
  const { name, body } = event;
  switch (name) {
    case 'plan.started':
      return state.status === 'queued' && body.attempt === state.planning.attempt
        ? { ...state, status: 'planning' }
        : state;
    case 'plan.written':
      if (state.plan !== undefined || body.attempt !== state.planning.attempt) return state;
      return state.job.review === true
        ? { ...state, status: 'awaiting_approval', plan: body.plan, finishedBy: event.id }
        : beginScenes(state, body.plan);
    case 'plan.approved':
      return resume(state);
    case 'plan.failed':
      return state.plan === undefined && body.attempt === state.planning.attempt
        ? { ...state, failure: withCharged(body.failure, state.costMicros) }
        : state;
    case 'video.stitched':
      return answersStitch(state, body) ? withResult(state, body.result) : state;
    case 'stitch.failed':
      return answersStitch(state, body) ? { ...state, failure: withCharged(body.failure, state.costMicros) } : state;
    case 'speech.spoken':
    case 'speech.failed':
      return applySpeechEvent(state, event);
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
    // The publishers of these two have already changed the state; only the commands are left to publish.
    case 'scene.reopened':
    case 'draft.edited':
    case 'plan.abandoned':
    case 'clip.abandoned':
    case 'charge.adjusted':
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
  return { ...state, result: isDraft(state) ? { ...result, draft: true } : result };
}

/** Requests speeches, and starts waiting scenes, lowest index first, while fewer than `window` clips are being generated. */
export function fillWindow(before: GenerationState, cause: string, models: ModelTable): GenerationState {
  if (before.status !== 'generating') return before;
  const state = requestSpeech(before, cause);
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
  if (state.status === 'composing' && state.result !== undefined)
    return { ...state, ...ended, status: isDraft(state) ? 'awaiting_approval' : 'succeeded', stage: 'export' };
  if (state.status !== 'generating' || state.scenes.some(({ status }) => status !== 'done' && status !== 'failed'))
    return state;
  const failed = state.scenes.find((scene) => scene.status === 'failed');
  if (failed?.failure !== undefined)
    return { ...state, ...ended, status: 'failed', stage: failed.failure.stage, failure: failed.failure };
  if (pendingSpeeches(state) > 0) return state;
  return {
    ...state,
    status: 'composing',
    stage: 'stitch',
    stitch: { attempt: (state.stitch?.attempt ?? 0) + 1, cause: event.id },
  };
}
