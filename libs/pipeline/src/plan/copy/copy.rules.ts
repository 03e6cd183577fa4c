import { isSpeakable, spokenSeconds } from '@clipmesh/contracts';
import { countWords } from '../../speech/speech.fit.js';
import { type Benefit } from './benefit.reader.js';
import { COPY } from './copy.table.js';
import { type PromptBrief } from './product.reader.js';
import { capital, firstWords, small } from './prompt.text.js';

/** Words that a calm speaker says in a second. */
const WORDS_PER_SECOND = 2.3;
/** The longest text on the picture, characters. A call to action with an address may be longer. */
const TEXT_LENGTH = 44;

/** How many words a scene has time for. */
export const wordsIn = (seconds: number): number => Math.floor(seconds * WORDS_PER_SECOND);
/** Whether a script can be spoken in the seconds of its scene. */
export const fitsScene = (script: string, seconds: number): boolean =>
  countWords(script) <= wordsIn(seconds) && spokenSeconds(script).least <= seconds;

/** The start of a script that fits into the seconds of a scene: whole sentences, else words. Empty when there is nothing to speak. */
export function fitScript(script: string, seconds: number): string {
  const sentences = script.split(/(?<=[.!?…؟।])\s+|(?<=[。！？])/u);
  for (let count = sentences.length; count > 0; count -= 1) {
    const start = sentences.slice(0, count).join(' ').trim();
    if (fitsScene(start, seconds)) return isSpeakable(start) ? start : '';
  }
  for (let words = wordsIn(seconds); words > 0; words -= 1) {
    const start = firstWords(script, words);
    if (fitsScene(start, seconds)) return isSpeakable(start) ? start : '';
  }
  return '';
}

export interface SceneCopy {
  /** Text on the picture. */
  readonly text: string;
  /** Spoken words; empty when there is nothing to speak. */
  readonly script: string;
}

type Places = Readonly<Record<string, string | undefined>>;

const PLACE = /\{(\w+)\}/gu;

/** The phrasing with its places filled; undefined when one is empty. */
function fill(phrasing: string, places: Places): string | undefined {
  const names = Array.from(phrasing.matchAll(PLACE), ([, name = '']) => name);
  if (names.some((name) => (places[name] ?? '') === '')) return undefined;
  return capital(phrasing.replace(PLACE, (_place, name: string) => places[name] ?? ''));
}

const sentence = ({ text, isVerbal }: Benefit): string => (isVerbal ? `It ${small(text)}` : text);
const pair = (one: Benefit, other: Benefit): string =>
  one.isVerbal && other.isVerbal
    ? `It ${small(one.text)} and ${small(other.text)}`
    : `${sentence(one)}. ${sentence(other)}`;

function placesFor({ product, isNamed, offer }: PromptBrief, benefit?: Benefit, next?: Benefit): Places {
  const { name, audience, callToAction } = product;
  return {
    name,
    product: isNamed ? name : `the ${small(name)}`,
    meet: isNamed ? name : `your new ${small(name)}`,
    ...(benefit === undefined ? {} : { Benefit: benefit.text, benefit: small(benefit.text), It: sentence(benefit) }),
    ...(benefit === undefined || next === undefined ? {} : { Both: pair(benefit, next) }),
    ...(audience === undefined ? {} : { audience, Audience: capital(audience) }),
    offer,
    cta: callToAction,
  };
}

/** Texts of another language: the name, then one benefit after the other, then the call to action. */
function untranslated({ product }: PromptBrief, scenes: readonly { readonly seconds: number }[]): SceneCopy[] {
  const { name, benefits, callToAction } = product;
  return scenes.map(({ seconds }, index) => {
    const isLast = index === scenes.length - 1 && index > 0;
    const text = isLast
      ? (callToAction ?? name)
      : index === 0
        ? name
        : (benefits[(index - 1) % Math.max(1, benefits.length)] ?? name);
    return { text, script: fitScript(text, seconds) };
  });
}

/**
 * The texts and scripts of scenes, by their roles. They name the product and its benefits, and every script fits into its scene.
 * `seed` chooses among phrasings; the same input gives the same words.
 */
export function copyFor(
  brief: PromptBrief,
  scenes: readonly { readonly role: string; readonly seconds: number }[],
  seed: number,
): SceneCopy[] {
  if (!brief.isEnglish) return untranslated(brief, scenes);
  const { benefits } = brief;
  const used = new Set<string>();
  let shown = 0;
  return scenes.map(({ role, seconds }, index) => {
    const { texts, scripts } = COPY[role] ?? { texts: ['{name}'], scripts: ['{product}.'] };
    const at = (offset: number): Benefit | undefined => benefits[(shown + offset) % Math.max(1, benefits.length)];
    const places = placesFor(brief, at(0), benefits.length > 1 ? at(1) : undefined);
    const fresh = (candidates: readonly string[]): string | undefined =>
      candidates.find((text) => !used.has(text)) ?? candidates[0];

    // A single verb says too little: `Kettle: sings`, not `Sings`.
    const isShort = at(0)?.isVerbal === true && !places.Benefit?.includes(' ');
    const possible = texts
      .filter((phrasing) => !(isShort && phrasing === '{Benefit}'))
      .flatMap((phrasing) => fill(phrasing, places) ?? [])
      .filter(
        (text) =>
          text.length <= TEXT_LENGTH ||
          (brief.product.callToAction !== undefined && text === brief.product.callToAction),
      );
    // The first two phrasings that can be used are equally good; the last scene always asks for the action.
    const isTurned = role !== 'action' && possible.length > 2 && seed % 2 === 1;
    const turned = isTurned ? [possible[1], possible[0], ...possible.slice(2)].flatMap((text) => text ?? []) : possible;
    const text = fresh(turned) ?? brief.product.name;

    const spoken = scripts
      .flatMap((phrasing) => fill(phrasing, places) ?? [])
      .filter((script) => fitsScene(script, seconds));
    const script =
      fresh(spoken) ??
      fitScript(
        `${index === scenes.length - 1 ? (brief.product.callToAction ?? brief.product.name) : brief.product.name}.`,
        seconds,
      );
    for (const words of [text, script]) used.add(words);
    const says = [text, script].join(' ').toLowerCase();
    // A benefit that was shown makes room for the next one.
    if (at(0) !== undefined && says.includes(at(0)?.text.toLowerCase() ?? '')) shown += 1;
    return { text, script: isSpeakable(script) ? script : '' };
  });
}
