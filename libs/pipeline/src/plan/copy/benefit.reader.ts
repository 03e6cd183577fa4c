import { cutText } from '@clipmesh/contracts';
import { capital, DOES, plain, withoutStop } from './prompt.text.js';

/** Sentences about the video, not about the product. */
const DIRECTIONS =
  /^(?:style|tone|mood|music|look|feel|format|length|duration|target|audience|framework|scenes?|colou?rs?|palette|lighting|camera|setting|call[- ]to[- ]action|cta|voice\w*|aspect)\b\s*(?:\w+\s*)?:|^(?:make it (?!easy)|show (?!your)|use (?:a|an|the|warm|bright|dark|upbeat|fast|slow)\b|the (?:video|ad|clip|tone|style|mood|music|audience)\b|shot (?:on|in)|fil(?:m|med) |no (?:text|logos?|people)\b|include |end (?:with|on) |start with |open (?:with|on) |cut to |close with |cinematic|target audience|audience|vertical|landscape)|\b(?:style|lighting|mood|look|tone)$|ignore (?:all|any|previous|the)\b/iu;
/** What the viewer should do, and prices: they belong to the last scene. */
const SELLING =
  /^(?:order|buy|shop|boo(?:k|king)|visit|download|sign up|subscribe|join|call|reserve|pre-?order|go to|learn more|register|apply|donate|swipe up|tap|click|follow|grab|get yours)\b|(?:^|\s)(?:\d+\s?%|[$€£]\s?\d)/iu;
const STATED =
  /\b(?:key |main )?(?:benefits?|features?|selling points?|highlights?|advantages)\s*(?:are|is|include|:)\s*([^.\n]+)/iu;
/** From the product to what it does: `A thermos that keeps tea hot`, `a lamp with two modes`. */
const CLAUSE = new RegExp(
  String.raw`^(.{2,90}?)\s+(?:(that|which|with|where|to(?=\s[\p{Ll}]))|(made (?:of|from|by|in|for)|designed (?:to|for|by)|built (?:to|for|from)|baked|brewed|grown|roasted|crafted|powered|delivered|${DOES}))\s+(.+)$`,
  'iu',
);
const IS_A = /^(?:.{1,50}?)(?:,|\s(?:is|are|'s|’s)|:|\s[–—-])\s+(?:an?|the|your)\s+(.+)$/iu;
/** Begins a sentence about the product. */
const SUBJECT =
  /^(?:it|they|this|these|that|you(?:'ll| will| can| get)?|we|our \w+|the (?:product|app|service|device))\s+/iu;
const HELPER =
  /^(?:is|are|has|have|comes? with|offers?|features?|includes?|will|can|also|even|just|get|gets|provides?)\s+/iu;
/** Words of the longest benefit. */
const MAX_WORDS = 12;
const MIN_LETTERS = 3;

const countOf = (text: string): number => text.split(' ').length;

/** The items of `a, b and c`; the whole text when it is no list of short items. */
function listItems(text: string): string[] {
  const parts = text
    .split(/\s*[,;]\s+(?:and\s+|or\s+|but\s+|plus\s+|yet\s+)?|\s+[–—]\s+/iu)
    .map(withoutStop)
    .filter((part) => part !== '');
  const [last = ''] = parts.slice(-1);
  const tail = parts.length > 1 ? last.split(/\s+and\s+/iu) : [last];
  const items = [...parts.slice(0, -1), ...(tail.every((part) => part !== '') ? tail : [last])];
  const listed = items.length > 1 && items.every((item) => countOf(item) <= 8) ? items : parts;
  return listed.flatMap((item) => (countOf(item) > 6 ? item.split(/\s+and\s+(?=\p{Ll}+s\s)/u) : [item]));
}

/** What a phrase says of its product: `It is made of steel` → `Made of steel`. */
function claim(phrase: string, name: string): string {
  let text = plain(phrase).replace(/^(?:and|but|so|plus)\s+/iu, '');
  if (text.toLowerCase().startsWith(name.toLowerCase())) text = text.slice(name.length).trim();
  const spoken = text.replace(SUBJECT, '');
  // "We deliver" and "you save" keep their subjects: without them they are commands.
  const bare = /^(?:we|you)\s+(?!get|can|will)/iu.test(text) ? text : spoken;
  return capital(withoutStop(bare.replace(HELPER, '').replace(/^an?\s+(?=\p{L}+\s\p{L})/iu, '')));
}

/** A benefit of a product. */
export interface Benefit {
  /** `Keeps tea hot for 12 hours`, `Lavender and cedar scents` */
  readonly text: string;
  /** It continues a sentence that begins with "it". */
  readonly isVerbal: boolean;
}

interface Phrase {
  readonly text: string;
  /** "that", "it" or the name is before it. */
  readonly followsSubject: boolean;
}

const phrases = (texts: readonly string[], followsSubject: boolean): Phrase[] =>
  texts.map((text) => ({ text, followsSubject }));

/** What one sentence says about the product. The first one names the product, and describes it only after that. */
function phrasesOf(sentence: string, index: number, name: string): Phrase[] {
  const clause = CLAUSE.exec(sentence);
  if (clause !== null && (index === 0 || IS_A.test(sentence))) {
    const [, before = '', link = '', made = '', rest = ''] = clause;
    const listed = before.includes(':') ? listItems(before.slice(before.indexOf(':') + 1)) : [];
    const follows = /^(?:that|which)$/iu.test(link) || new RegExp(`^(?:${DOES})$`, 'iu').test(made);
    return [...phrases(listed, false), ...phrases(listItems(plain(`${made} ${rest}`)), follows)];
  }
  const described = IS_A.exec(sentence)?.[1];
  if (described !== undefined && index < 2) return phrases(listItems(described).slice(1), false);
  if (index === 0) {
    const list = /:\s/u.test(sentence)
      ? listItems(sentence.slice(sentence.indexOf(':') + 1))
      : listItems(sentence).slice(1);
    return phrases(list, false);
  }
  return phrases(
    listItems(sentence),
    /^it\s/iu.test(sentence) || sentence.toLowerCase().startsWith(name.toLowerCase()),
  );
}

/** For whom the product is, is no benefit. */
function withoutAudience(sentence: string, audience: string | undefined): string {
  const at = audience === undefined ? -1 : sentence.indexOf(`for ${audience}`);
  if (at < 0) return sentence;
  const before = sentence.slice(0, at).replace(/(?:perfect|made|ideal|great|designed)\s+$/iu, '');
  return withoutStop(plain(before + sentence.slice(at + `for ${audience ?? ''}`.length)));
}

/**
 * Benefits of a product as short phrases, at most six, in the order of the prompt: stated lists, relative clauses, and sentences
 * about it. Directions for the video, prices and calls to action are none.
 */
export function readBenefits(
  prompt: readonly string[],
  { name, audience, callToAction = '' }: Record<'audience' | 'callToAction', string | undefined> & { name: string },
): Benefit[] {
  const sentences = prompt.map((sentence) => withoutAudience(sentence, audience));
  const stated = sentences.flatMap((sentence) => STATED.exec(sentence)?.[1] ?? []);
  const others = sentences.filter((sentence) => !STATED.test(sentence) && !DIRECTIONS.test(sentence));
  const found = [
    ...phrases(stated.flatMap(listItems), false),
    ...others.flatMap((sentence, index) => phrasesOf(sentence, index, name)),
  ]
    .filter(({ text }) => !SELLING.test(text) && text.toLowerCase() !== callToAction.toLowerCase())
    .map(({ text, followsSubject }) => {
      const said = claim(text, name);
      return { text: cutText(said, 160), isVerbal: followsSubject && /^\p{L}+[^s\P{L}]s(?:\s|$)/iu.test(said) };
    })
    .filter(
      ({ text }) =>
        text.length >= MIN_LETTERS && countOf(text) <= MAX_WORDS && text.toLowerCase() !== name.toLowerCase(),
    );
  return [...new Map(found.map((benefit) => [benefit.text, benefit])).values()].slice(0, 6);
}
