import { countCharacters, spokenSeconds } from '@clipmesh/contracts';

/** Price of speech, micro-dollars: per million characters of text, per minute of audio, or per million tokens. */
export type SpeechPrice =
  | { readonly per: 'character'; readonly micros: number }
  | { readonly per: 'minute'; readonly micros: number }
  | { readonly per: 'token'; readonly inputMicros: number; readonly outputMicros: number };

/** What a speech used. */
export interface SpeechUse {
  readonly text: string;
  /** Seconds of audio. */
  readonly seconds: number;
  /** As the provider reports them. Default: {@link AUDIO_TOKENS_PER_SECOND}, and a token for each byte of the text. */
  readonly tokens?: { readonly input: number; readonly output: number } | undefined;
}

/**
 * OpenAI's prices: developers.openai.com/api/docs/models/tts-1, …/tts-1-hd and …/gpt-4o-mini-tts, as pages of April to June 2026
 * repeat them.
 */
const SPEECH_PRICES: ReadonlyMap<string, SpeechPrice> = new Map([
  ['tts-1', { per: 'character', micros: 15_000_000 }],
  ['tts-1-hd', { per: 'character', micros: 30_000_000 }],
  ['gpt-4o-mini-tts', { per: 'token', inputMicros: 600_000, outputMicros: 12_000_000 }],
]);

/** A measured bill had 20.1 tokens for each second of gpt-4o-mini-tts (s-anand.net, "OpenAI TTS cost", November 2025). */
export const AUDIO_TOKENS_PER_SECOND = 21;
const MILLION = 1_000_000;
/** The date that providers append to the requested model: `gpt-4o-mini-tts-2025-12-15`. */
const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/;

/** The price of a speech model; undefined when the table does not have it. */
export const speechPrice = (model: string): SpeechPrice | undefined => SPEECH_PRICES.get(model.replace(SNAPSHOT, ''));

/** The cost of a speech, micro-dollars, rounded up. */
export function speechMicros(price: SpeechPrice, { text, seconds, tokens }: SpeechUse): number {
  switch (price.per) {
    case 'character':
      return Math.ceil((price.micros * countCharacters(text)) / MILLION);
    case 'minute':
      return Math.ceil((price.micros * seconds) / 60);
    case 'token': {
      const input = tokens?.input ?? new TextEncoder().encode(text).length;
      const output = tokens?.output ?? Math.ceil(seconds * AUDIO_TOKENS_PER_SECOND);
      return Math.ceil((price.inputMicros * input + price.outputMicros * output) / MILLION);
    }
  }
}

/** The most that the speech of a text should cost, micro-dollars. Exact for a price per character. */
export const maxSpeechMicros = (price: SpeechPrice, text: string, speed = 1): number =>
  speechMicros(price, { text, seconds: spokenSeconds(text, speed).most });

/** Characters of a scene's script, at most. A script of usual letters; a dearer one is not spoken. */
const SCRIPT_CHARACTERS = 400;
/** A script and its two shorter versions. */
const SPEECHES = 3;
/** The most that the speech of one scene can cost, micro-dollars: a long script that is shortened twice. */
export const maxSceneSpeechMicros = (price: SpeechPrice, speed = 1): number =>
  SPEECHES * maxSpeechMicros(price, 'a'.repeat(SCRIPT_CHARACTERS), speed);
