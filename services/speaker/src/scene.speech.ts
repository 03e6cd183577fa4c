import {
  type Charge,
  ClipmeshError,
  SPEECH_PAUSE_SECONDS,
  type SpeechSpeakBody,
  type Spoken,
} from '@clipmesh/contracts';
import { fitSpeech, withoutWords } from '@clipmesh/pipeline';
import { type Speech } from '@clipmesh/providers';
import { buySpeech, type SpeechDeps } from '@clipmesh/purchasing';

export interface SpeakDeps {
  /** Who speaks. */
  readonly speech: Speech;
  /** What a purchase needs besides the model. */
  readonly purchase: Omit<SpeechDeps, 'model'>;
}

/** How often a script that is too long is shortened and spoken again. */
const REWRITES = 2;

/** The speech of a scene, with all its charges. */
export interface SceneSpeech extends Spoken {
  readonly charges: readonly Charge[];
}

/**
 * Speaks the script of a scene so that it fits into its time: as it is, faster, or shortened. After {@link REWRITES} shortened
 * scripts, the rest is cut off. Throws `PROVIDER_UNAVAILABLE` when nobody can speak, not retryable. Errors carry the charges.
 */
export async function speakScene(
  { speech, purchase }: SpeakDeps,
  body: SpeechSpeakBody,
  signal: AbortSignal,
  givesUp: (error: ClipmeshError) => boolean,
): Promise<SceneSpeech> {
  const { generationId, scene, attempt, script, durationSeconds, voice, speed, freeOnly, cache, allowanceMicros } =
    body;
  if (speech.kind === 'unavailable') throw silent(speech.reason);
  const { model } = speech;
  if (freeOnly === true && model.guarantee !== 'free')
    throw silent(`${model.name} costs money, so it speaks only after the draft is approved.`);
  const sceneSeconds = durationSeconds - SPEECH_PAUSE_SECONDS;
  const choices = { ...(voice === undefined ? {} : { voice }), ...(speed === undefined ? {} : { speed }) };
  /** Throws `BUDGET_EXCEEDED` when the speech of a text could bring the scene over its allowance. */
  const allow = (text: string, charges: readonly Charge[]): void => {
    const spent = charges.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
    if (allowanceMicros === undefined || spent + (model.quote({ text, ...choices })?.micros ?? 0) <= allowanceMicros)
      return;
    throw new ClipmeshError('BUDGET_EXCEEDED', `the speech of scene ${scene} exceeds its budget`, {
      charges: [...charges],
    });
  };
  let text = script;
  allow(text, []);
  for (let rewrites = 0; ; rewrites += 1) {
    const order = {
      generationId,
      scene,
      attempt,
      request: { text, ...choices },
      ...(cache === undefined ? {} : { cache }),
    };
    const bought = await buySpeech({ ...purchase, model }, order, signal, givesUp);
    const { artifact, durationSeconds: speechSeconds, charges } = bought;
    const fit = fitSpeech({ text, speechSeconds, sceneSeconds });
    const spoken = { speech: artifact, durationSeconds: speechSeconds, charges };
    if (fit.kind === 'fits') return { ...spoken, tempo: 1 };
    if (fit.kind === 'faster') return { ...spoken, tempo: fit.tempo };
    const shorter = withoutWords(text, fit.cutWords);
    if (rewrites === REWRITES || shorter === undefined) return { ...spoken, tempo: 1 };
    allow(shorter, charges);
    text = shorter;
  }
}

const silent = (reason: string): ClipmeshError =>
  new ClipmeshError('PROVIDER_UNAVAILABLE', `nobody speaks this scene: ${reason}`, { retryable: false });
