/** $0.15 and $0.60 per million tokens, rounded up to whole micro-dollars. */
export function completionMicros(inputTokens: number, outputTokens: number): number {
  return Math.ceil((15 * inputTokens + 60 * outputTokens) / 100);
}

/** Audio tokens of a second of speech. */
export const SPEECH_TOKENS_PER_SECOND = 20;

/** The cost of speech: $15 and $30 per million characters; or $0.60 and $12 per million text and audio tokens. */
const SPEECH_MODELS: Readonly<Record<string, (characters: number, tokens: SpeechTokens) => number>> = {
  'tts-1': (characters) => 15 * characters,
  'tts-1-hd': (characters) => 30 * characters,
  'gpt-4o-mini-tts': (_, { input, output }) => Math.ceil((6 * input + 120 * output) / 10),
};
interface SpeechTokens {
  readonly input: number;
  readonly output: number;
}
const speechModel = (model: string): string => model.replace(/-\d{4}-\d{2}-\d{2}$/, '');

/** Whether OpenAI has this speech model. */
export const isSpeechModel = (model: string): boolean => Object.hasOwn(SPEECH_MODELS, speechModel(model));

/** The cost of a speech, rounded up to whole micro-dollars. Models of other servers are free. */
export function speechMicros(model: string, characters: number, tokens: SpeechTokens): number {
  return isSpeechModel(model) ? (SPEECH_MODELS[speechModel(model)]?.(characters, tokens) ?? 0) : 0;
}

/** Counts four characters as one token. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** Converts micro-dollars to dollars. */
export function usd(micros: number): number {
  return micros / 1_000_000;
}
