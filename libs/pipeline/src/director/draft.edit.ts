import {
  type GenerationState,
  isDrafted,
  type Outgoing,
  type Plan,
  SCENE_STEPS,
  type SceneState,
  type SceneStep,
  stepOf,
} from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { fillWindow } from './director.js';
import { stitchCommand } from './director.messages.js';
import { runJob } from './director.models.js';
import { beginScenes, continueScene, dropResults } from './director.recovery.js';
import { chooseBlends, overlayBlends } from './scenes/scene.blends.js';
import { requestSpeech } from './director.speech.js';
import { stepCommand } from './scenes/scene.steps.js';

/** The state at the start of another run, which replaces the draft's video when it ends. */
function nextRun(state: GenerationState): GenerationState {
  const { result, finishedBy: _finishedBy, finishedAt: _finishedAt, fallback: _fallback, ...kept } = state;
  const previous = result ?? state.previousResult;
  const run = { run: state.run + 1, window: state.job.window, failures: [] };
  return { ...kept, ...run, ...(previous === undefined ? {} : { previousResult: previous }) };
}

/**
 * Approves a finished draft and starts the run that buys its clips. The plan stays as it is. The same state when no draft waits. The
 * event `plan.approved` starts the scenes.
 */
export function approveDraft(state: GenerationState): GenerationState {
  const { plan } = state;
  return isDrafted(state) && plan !== undefined ? beginScenes({ ...nextRun(state), approved: true }, plan) : state;
}

/**
 * Changes the plan of a draft. Starts another run for what the change affects: the steps whose commands are no longer the same, and
 * what follows them. Without such a step, only the plan changes. The event with id `cause` publishes the commands.
 */
export function editDraft(state: GenerationState, plan: Plan, cause: string, models: ModelTable): GenerationState {
  const edited = { ...state, plan };
  const scenes = state.scenes.map((scene) => {
    const step = passedSteps(scene).find((one) =>
      differ(sceneCommand(state, scene, one), sceneCommand(edited, scene, one)),
    );
    return step === undefined ? scene : redo(scene, step, cause);
  });
  if (scenes.some((scene, index) => scene !== state.scenes[index]) || requestSpeech(edited, cause) !== edited)
    return chooseBlends(
      state,
      fillWindow({ ...nextRun(edited), status: 'generating', stage: 'clip', scenes }, cause, models),
    );
  const isJoined = state.status === 'awaiting_approval' || state.status === 'composing';
  if (!isJoined || !differ(joinCommand(state), joinCommand(edited))) return edited;
  const stitch = { attempt: (state.stitch?.attempt ?? 0) + 1, cause };
  return { ...nextRun(edited), status: 'composing', stage: 'stitch', stitch };
}

/** The steps whose commands were sent. */
function passedSteps({ status }: SceneState): readonly SceneStep[] {
  if (status === 'waiting') return [];
  const step = stepOf(status);
  return step === undefined ? SCENE_STEPS : SCENE_STEPS.slice(0, SCENE_STEPS.indexOf(step) + 1);
}

function redo(scene: SceneState, from: SceneStep, cause: string): SceneState {
  const { failure: _failure, cause: _previous, doneTraceparent: _done, reseeded: _reseeded, ...rest } = scene;
  return continueScene(dropResults(rest, from.status), cause);
}

/** Whether two commands ask for different work. */
const differ = (one: Outgoing | undefined, other: Outgoing | undefined): boolean =>
  JSON.stringify(one?.body) !== JSON.stringify(other?.body);

/** Commands are compared, not sent: these keys are the same in both. */
const KEY = { generationId: '', attempt: 1 };

function sceneCommand(state: GenerationState, scene: SceneState, step: SceneStep): Outgoing | undefined {
  const { plan } = state;
  const scenePlan = plan?.scenes[scene.index];
  if (plan === undefined || scenePlan === undefined) return undefined;
  const job = runJob(state);
  const key = { ...KEY, scene: scene.index };
  // Which neighbours were ready makes no difference to the file of the scene.
  const { blends: _ready, ...bare } = scene;
  const blends = overlayBlends(state, bare);
  return stepCommand({ key, job, plan, scenePlan, scene: { ...bare, status: step.status }, blends, models: new Map() });
}

const joinCommand = (state: GenerationState): Outgoing =>
  stitchCommand({ ...state, stitch: undefined }, KEY, undefined);
