import { cleanText } from '@clipmesh/contracts';

/** Ends of sentences that are none. */
const ABBREVIATIONS = /\b(?:Dr|St|Mr|Mrs|Ms|No|vs|etc|approx|e\.g|i\.e|Inc|Co|Ltd)\.$/iu;
const ENGLISH =
  /\b(?:a|an|the|for|with|and|our|is|are|that|which|your|of|to|it|new|in|at|from|you|we|by|ad|introducing|meet|no|on)\b/giu;
const OTHERS =
  /(?<![\p{L}])(?:der|die|das|ein|eine|einen|für|mit|und|ist|nicht|auf|von|le|les|des|une|un|pour|avec|et|du|est|qui|sur|el|los|las|una|para|con|y|que|por|del|uma|com|os|dos|il|gli|per|che|di|della|het|een|voor|met|och|för|med|som|ett|dla|się|jest|i|na|do|bir|ve|için|ile|il|nya|yang|untuk|dan)(?![\p{L}])/giu;
const LATIN = /\p{Script=Latin}/gu;
const LETTER = /\p{L}/gu;
const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** Whether the rules of this folder, which know English, can read a text. An undecidable short text counts as English. */
export function isEnglish(text: string): boolean {
  const letters = count(text, LETTER);
  if (letters > 0 && count(text, LATIN) < letters * 0.8) return false;
  const [english, others] = [count(text, ENGLISH), count(text, OTHERS)];
  return others === 0 ? english > 0 || !/[^\p{ASCII}\p{P}\p{S}\s]/u.test(text) : english > others;
}

/** A text without control characters and tags, with single blanks. */
export const plain = (text: string): string =>
  cleanText(text)
    .replace(/<[^<>]{0,60}>/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();

/** The lines and sentences of a prompt, without list marks and closing stops. */
export function sentencesOf(prompt: string): string[] {
  const parts = cleanText(prompt)
    .split(/[\n\r]+|(?<=[.!?…؟।])\s+|(?<=[。！？])/u)
    .map(plain);
  const joined: string[] = [];
  for (const part of parts) {
    const previous = joined.at(-1);
    if (previous !== undefined && ABBREVIATIONS.test(previous)) joined[joined.length - 1] = `${previous} ${part}`;
    else joined.push(part);
  }
  return joined
    .map((part) => withoutStop(part.replace(/^(?:[-*•·–—]|\d+[.)])\s+/u, '')))
    .filter((part) => /[\p{L}\p{N}\p{S}]/u.test(part));
}

export const withoutStop = (text: string): string => text.replace(/[\s.!?…,;:。！？।]+$/u, '').trim();

const ARTICLE =
  /^(?:(?:an?|the|our|my|your|their|this|these|some|brand[- ]?new|new|latest|best|perfect|ultimate|amazing|revolutionary|innovative)\s+)+/iu;
/** A phrase without articles, possessives and praise in front. */
export const withoutArticle = (text: string): string => text.replace(ARTICLE, '');

export const capital = (text: string): string => text.replace(/^\p{Ll}/u, (letter) => letter.toLocaleUpperCase('en'));
/** With a small first letter, unless the first word is a name or an abbreviation: `USB-C` stays. */
export const small = (text: string): string =>
  /^(?:I\b|\p{Lu}(?:\P{Ll}|\p{Ll}*[\p{Lu}\d]))/u.test(text) && !/^A\s/u.test(text)
    ? text
    : text.replace(/^\p{Lu}/u, (letter) => letter.toLocaleLowerCase('en'));

/** Verbs that say what a product does. */
export const DOES =
  'helps?|keeps?|makes?|lets?|gives?|brings?|offers?|turns?|delivers|automates|connects|tracks|plans|writes|saves|protects|cleans|cuts|brews|grinds|waters|teaches|finds|sends|stops|removes|reduces|combines|replaces|charges|works|fits|learns|translates|transforms|creates|builds|serves|monitors';

const words = new Intl.Segmenter(undefined, { granularity: 'word' });
/** The first `most` words of a text, in any script. Without a stop. */
export function firstWords(text: string, most: number): string {
  let left = most;
  for (const { index, isWordLike } of words.segment(text)) {
    if (isWordLike !== true) continue;
    if (left === 0) return withoutStop(text.slice(0, index));
    left -= 1;
  }
  return text;
}

/** A number that depends on a text and nothing else, 0 to 2³²-1 (FNV-1a). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
