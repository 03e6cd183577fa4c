/** How a speech fits into the time that its scene leaves for it. */
export type SpeechFit =
  | { readonly kind: 'fits' }
  /** It fits when it is played faster by this factor, above 1 and at most {@link MAX_TEMPO}. */
  | { readonly kind: 'faster'; readonly tempo: number }
  /** It does not fit. `cutWords`: how many words its text must lose to fit at {@link MAX_TEMPO}, at least 1. */
  | { readonly kind: 'too_long'; readonly cutWords: number };

/** Faster than this, a listener hears that the speech was sped up. */
export const MAX_TEMPO = 1.12;
/** Tempos are rounded up to this many steps, so that the speech is never longer than its scene. */
const STEPS = 1000;

const words = new Intl.Segmenter(undefined, { granularity: 'word' });

/** The number of words in a text, in any script. */
export const countWords = (text: string): number =>
  Array.from(words.segment(text)).filter(({ isWordLike }) => isWordLike === true).length;

/**
 * Whether a speech fits into its scene, and what makes it fit. `speechSeconds`: measured, at tempo 1. `sceneSeconds`: the time for the
 * speech.
 */
export function fitSpeech({
  text,
  speechSeconds,
  sceneSeconds,
}: {
  readonly text: string;
  readonly speechSeconds: number;
  readonly sceneSeconds: number;
}): SpeechFit {
  if (speechSeconds <= sceneSeconds) return { kind: 'fits' };
  const tempo = Math.ceil((speechSeconds / sceneSeconds) * STEPS) / STEPS;
  if (sceneSeconds > 0 && tempo <= MAX_TEMPO) return { kind: 'faster', tempo };
  const count = countWords(text);
  const kept = Math.floor((count * Math.max(0, sceneSeconds) * MAX_TEMPO) / speechSeconds);
  return { kind: 'too_long', cutWords: Math.max(1, count - kept) };
}
