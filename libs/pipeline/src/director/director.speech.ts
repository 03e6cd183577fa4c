import {
  type GenerationState,
  isDraft,
  isSpeakable,
  message,
  type Outgoing,
  type SceneState,
  SpeechSpeak,
  type SpeechState,
  type StitchRenderBody,
} from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';

type SpeechEvent = Extract<DirectorEvent, { readonly name: 'speech.spoken' | 'speech.failed' }>;

/** What has to be spoken in a scene. Undefined: nothing. */
function wantedOf(
  state: GenerationState,
  { index }: SceneState,
): Pick<SpeechState, 'script' | 'durationSeconds'> | undefined {
  const scene = state.plan?.scenes[index];
  if (state.job.voiceover === undefined || scene?.script === undefined || !isSpeakable(scene.script)) return undefined;
  return { script: scene.script, durationSeconds: scene.durationSeconds };
}

/** Whether a speech is spoken, or will be answered in this run. */
function isCurrent(
  state: GenerationState,
  speech: SpeechState,
  wanted: Pick<SpeechState, 'script' | 'durationSeconds'>,
): boolean {
  if (speech.script !== wanted.script || speech.durationSeconds !== wanted.durationSeconds) return false;
  return speech.status === 'spoken' || speech.run === state.run;
}

/**
 * Requests the speech of every scene that needs one, all at once: speech does not wait for clips. A speech that was spoken stays;
 * one that failed is requested again by the next run. The same state when there is nothing to request.
 */
export function requestSpeech(state: GenerationState, cause: string): GenerationState {
  const scenes = state.scenes.map((scene): SceneState => {
    const wanted = wantedOf(state, scene);
    const { speech, ...silent } = scene;
    if (wanted === undefined) return speech === undefined ? scene : silent;
    if (speech !== undefined && isCurrent(state, speech, wanted)) return scene;
    const attempt = (speech?.attempt ?? 0) + 1;
    const freeOnly = isDraft(state) ? { freeOnly: true } : {};
    return { ...silent, speech: { status: 'pending', run: state.run, attempt, cause, ...wanted, ...freeOnly } };
  });
  return scenes.every((scene, index) => scene === state.scenes[index]) ? state : { ...state, scenes };
}

/** Number of speeches without an answer. */
export const pendingSpeeches = ({ scenes }: Pick<GenerationState, 'scenes'>): number =>
  scenes.filter(({ speech }) => speech?.status === 'pending').length;

/** The most that the speeches without an answer can cost, micro-dollars. */
export const speechReserve = (state: Pick<GenerationState, 'scenes' | 'job'>): number =>
  pendingSpeeches(state) * (state.job.voiceover?.sceneMaxMicros ?? 0);

/** The state after an answer; the same object when it is late or repeated. A scene whose speech failed goes on without it. */
export function applySpeechEvent(state: GenerationState, { name, body }: SpeechEvent): GenerationState {
  const scene = state.scenes[body.scene];
  const speech = scene?.speech;
  if (state.status !== 'generating' || speech?.status !== 'pending' || speech.attempt !== body.attempt) return state;
  const ended: SpeechState =
    name === 'speech.failed'
      ? { ...speech, status: 'failed' }
      : {
          ...speech,
          status: 'spoken',
          result: { speech: body.speech, durationSeconds: body.durationSeconds, tempo: body.tempo },
        };
  return { ...state, scenes: state.scenes.map((each) => (each === scene ? { ...each, speech: ended } : each)) };
}

/** The speech commands that this event caused and that have no answer yet. */
export function speechCommands(
  { scenes, job: { voiceover, cache } }: GenerationState,
  cause: string,
  base: { generationId: string; revival?: number },
): Outgoing[] {
  return scenes.flatMap(({ index, speech }) => {
    if (speech?.status !== 'pending' || speech.cause !== cause) return [];
    const { attempt, script, durationSeconds, freeOnly } = speech;
    return message(SpeechSpeak, {
      ...base,
      ...{ scene: index, attempt, script, durationSeconds },
      ...(voiceover?.voice === undefined ? {} : { voice: voiceover.voice }),
      ...(voiceover?.speed === undefined ? {} : { speed: voiceover.speed }),
      ...(voiceover?.sceneMaxMicros === undefined ? {} : { allowanceMicros: voiceover.sceneMaxMicros }),
      ...(freeOnly === undefined ? {} : { freeOnly }),
      ...(cache === undefined ? {} : { cache }),
    });
  });
}

/** What is spoken in the video. */
export function speechOf(state: GenerationState): Pick<StitchRenderBody, 'speech'> {
  const speech = state.scenes.flatMap((scene) => {
    const result = scene.speech?.result;
    return result === undefined || wantedOf(state, scene) === undefined ? [] : [{ scene: scene.index, ...result }];
  });
  return speech.length === 0 ? {} : { speech };
}
