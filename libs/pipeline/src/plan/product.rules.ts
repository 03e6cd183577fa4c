import { cutText, type MusicMood, type Product, type Transition } from '@clipmesh/contracts';
import { countWords } from '../speech/speech.fit.js';

/** Words that a calm speaker says in a second. */
const WORDS_PER_SECOND = 2.3;

const sentencesOf = (text: string): string[] =>
  text
    .split(/(?<=[.!?。！？।])\s+|\n+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
const withoutStop = (text: string): string => text.replace(/[\s.!?。！？।]+$/u, '');

/** The product that a prompt is about: its first phrase is the name, the other sentences are benefits. */
export function productOf(prompt: string): Product {
  const [first = prompt, ...rest] = sentencesOf(prompt);
  const phrase = withoutStop(first.replace(/^(?:an?|the)\s+/iu, ''));
  return {
    name: cutText(phrase === '' ? first : phrase, 80),
    benefits: rest
      .map(withoutStop)
      .filter((sentence) => sentence !== '')
      .slice(0, 6)
      .map((sentence) => cutText(sentence, 160)),
  };
}

/** The longest text that can be spoken in the seconds of a scene: the line, then a benefit or the name of the product. */
export function scriptFor(product: Product, line: string, index: number, seconds: number): string {
  const most = Math.floor(seconds * WORDS_PER_SECOND);
  const benefit = product.benefits[index % Math.max(1, product.benefits.length)] ?? product.name;
  return [`${line} ${benefit}.`, `${line} ${product.name}.`].find((text) => countWords(text) <= most) ?? line;
}

const TRANSITION_OF: Readonly<Record<string, Transition>> = {
  ...{ agitate: 'cut', solution: 'dip-white' },
  ...{ after: 'dip-white', bridge: 'crossfade' },
  ...{ interest: 'crossfade', desire: 'crossfade', action: 'zoom' },
};
/** How a scene of this role begins. */
export const transitionFor = (role: string): Transition => TRANSITION_OF[role] ?? 'cut';

const MOOD_WORDS: readonly { readonly mood: MusicMood; readonly words: RegExp }[] = [
  { mood: 'playful', words: /\b(?:kids?|child(?:ren)?|toys?|pets?|dogs?|cats?|fun|party|candy|games?)\b/iu },
  { mood: 'calm', words: /\b(?:calm|sleep|yoga|spa|skin|tea|relax\w*|meditat\w*|candles?|quiet)\b/iu },
  { mood: 'epic', words: /\b(?:adventure|mountains?|race|cars?|sports?|outdoor|power\w*|epic)\b/iu },
  { mood: 'tense', words: /\b(?:security|alarms?|hack\w*|fraud|danger\w*|protect\w*)\b/iu },
  { mood: 'warm', words: /\b(?:coffee|home|family|bread|bakery|wool|warm\w*|grand\w*|handmade)\b/iu },
];
/** The mood of the music from the words of a prompt. */
export const musicFor = (prompt: string): MusicMood =>
  MOOD_WORDS.find(({ words }) => words.test(prompt))?.mood ?? 'upbeat';
