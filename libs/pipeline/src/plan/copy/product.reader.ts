import { cutText, type Product } from '@clipmesh/contracts';
import { type Benefit, readBenefits } from './benefit.reader.js';
import { hasAddress, readAudience, readCallToAction, readOffer } from './offer.reader.js';
import {
  capital,
  DOES,
  firstWords,
  isEnglish,
  plain,
  sentencesOf,
  withoutArticle,
  withoutStop,
} from './prompt.text.js';

/** What the rules found in a prompt. */
export interface PromptBrief {
  readonly product: Product;
  /** The benefits of the product, with their grammar. */
  readonly benefits: readonly Benefit[];
  /** The name is a brand or a model, rather than what the product is. */
  readonly isNamed: boolean;
  /** `20 % off` */
  readonly offer: string | undefined;
  /** The texts may be English sentences. Otherwise they are parts of the prompt. */
  readonly isEnglish: boolean;
}

const FORMS =
  'ads?|adverts?|advertisements?|commercials?|promos?|spots?|teasers?|trailers?|videos?|clips?|reels?|stories|story|campaign|tiktoks?|shorts?|posts?';
/** `Create a 15-second ad for`, `we need a video about` */
const LEAD = new RegExp(
  String.raw`^.{0,80}?\b(?:${FORMS})\s+(?:for|about|on|of|promoting|introducing|featuring|selling|advertising|showing)\s+`,
  'iu',
);
const OPENING =
  /^(?:(?:please|now|finally)[,:]?\s+)?(?:introducing|meet|say hello to|discover|announcing|presenting|promote|advertise|sell|try|we(?:'re| are)? (?:sell|make|launch|offer|build)(?:ing)?|i (?:sell|make|offer|run|own)|this is|create|make|write)\s*:?\s+/iu;

/** One or more words that begin with a capital letter or a digit: `Aero 3000`, `L’Oréal`, `iPhone 15`. */
const PROPER = String.raw`(?:\p{Lu}|\p{Ll}(?=\p{Lu}))[\p{L}\p{N}'’&+.-]*(?:\s+(?:(?:\p{Lu}|\p{N})[\p{L}\p{N}'’&+.-]*|&|of|de|by(?=\s+\p{Lu})))*`;
const CALLED = new RegExp(
  String.raw`\b(?:called|named|by the name of|branded|known as|namens|llamad[oa]|appelée?)\s+(${PROPER})`,
  'u',
);
const QUOTED = /["“„«『「]([^"“”„«»『』「」\n]{2,40})["”“»』」]|(?<=^|\s)['‘]([^'‘’\n]{2,40})['’](?=$|[\s.,;:!?])/gu;
/** Before a quotation that is a text, not a name. */
const SAYING = /(?:says?|saying|text|slogan|tagline|line|headline|caption|words|reads|quote|claim)\s*[:,]?\s*$/iu;
const IS_A = new RegExp(
  String.raw`^(?:The\s+)?(${PROPER})\s*(?:,|:|–|—|-|is|are|was)\s+(?:an?|the|your|our|one|made)\b`,
  'u',
);
const LEADING = new RegExp(String.raw`^${PROPER}`, 'u');
/** First words of sentences that look like names. */
const PRONOUNS =
  /^(?:It|This|That|These|Those|There|Here|We|You|They|He|She|I|Our|My|Your|What|Who|How|When|Why|If|In|For|With|No|Not|Life|The|A|An|And|But|Ad|Style|Product|Brand|Video|Create|Make|Write|Show)\b/u;
/** Ends of a noun phrase. */
const BOUNDARY = new RegExp(
  String.raw`\s*(?:[,;:()|–—<>]|\s-\s|\s(?:that|which|who|whose|for|with|made|from|to|in|at|by|is|are|was|has|have|now|where|because|so|and (?:it|we)|on|inside|without|as|when|${DOES})\s)`,
  'iu',
);
/** Capital letters that are no name. */
const COMMON =
  /^(?:SaaS|AI|CRM|USB(?:-C)?|LED|3D|EV|DIY|B2B|VR|AR|IT|HR|TV|PC|SUV|GPS|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:January|February|March|April|May|June|July|August|September|October|November|December)|TikTok|YouTube|Instagram|Facebook|LinkedIn|JavaScript|TypeScript|PowerPoint|Christmas|Easter|Halloween)s?$/u;
const CAMEL = /(?<![\p{L}\p{N}])(\p{Lu}\p{Ll}+\p{Lu}[\p{L}\p{N}]*)(?![\p{L}\p{N}])/gu;
/** `Codepilot writes your tests` */
const DOING = new RegExp(
  String.raw`^(\p{Lu}[\p{L}\p{N}'’&-]+)\s+(?:(?:${DOES})\s|\p{Ll}+s\s+(?:your|you|the|an?|all|every)\b)`,
  'u',
);
const isName = (text: string): boolean => !PRONOUNS.test(text) && !COMMON.test(text);
/** Too general to be a name. */
const VAGUE = /^(?:it|this|that|something|anything|product|thing|stuff|one|me|us|you|video|ad)$/iu;

/** `Voltar` of `SUV Voltar` */
const ownName = (text: string): string => {
  const words = text.split(' ');
  return words.slice(words.findIndex((word) => !COMMON.test(word))).join(' ');
};

/** The longest name, in words and characters. */
const NAME = { words: 6, characters: 40 } as const;

function quotedName(prompt: string): string | undefined {
  for (const found of prompt.matchAll(QUOTED)) {
    const name = plain(found[1] ?? found[2] ?? '');
    const isText = SAYING.test(prompt.slice(0, found.index)) || name.split(' ').length > 5 || /[.!?]$/u.test(name);
    if (!isText && /[\p{L}\p{N}]/u.test(name)) return name;
  }
  return undefined;
}

/** The product that a phrase begins with, after its articles. A name within it wins: `our coffee machine Brewly`. */
function nameIn(phrase: string): { name: string; isNamed: boolean } | undefined {
  const bare = withoutArticle(plain(phrase));
  const leading = LEADING.exec(bare)?.[0];
  if (leading !== undefined && isName(leading)) return { name: withoutStop(leading), isNamed: true };
  const noun = withoutStop(bare.slice(0, BOUNDARY.exec(bare)?.index ?? bare.length));
  const inner = new RegExp(String.raw`\s(${PROPER})$`, 'u').exec(noun)?.[1];
  // All capitals and plain abbreviations are part of what the product is: `electric SUV`.
  if (inner !== undefined && /\p{Ll}/u.test(inner) && isName(inner)) return { name: ownName(inner), isNamed: true };
  return noun === '' || VAGUE.test(noun) ? undefined : { name: noun, isNamed: false };
}

function readName(prompt: string, sentences: readonly string[]): { name: string; isNamed: boolean } | undefined {
  const explicit =
    quotedName(prompt) ??
    CALLED.exec(prompt)?.[1] ??
    /^\s*(?:product|brand|name)\s*:\s*([^\n.;,]{2,60})/imu.exec(prompt)?.[1];
  if (explicit !== undefined) return { name: withoutStop(plain(explicit)), isNamed: true };
  const [first = ''] = sentences;
  const led = LEAD.exec(first);
  if (led !== null) return nameIn(first.slice(led[0].length));
  const opened = OPENING.exec(first);
  if (opened !== null) return nameIn(first.slice(opened[0].length));
  for (const sentence of sentences) {
    const name = IS_A.exec(sentence)?.[1];
    if (name !== undefined && isName(name)) return { name: withoutStop(name), isNamed: true };
  }
  const camel = [...prompt.matchAll(CAMEL)].map(([, name = '']) => name).find(isName);
  const doing = sentences
    .map((sentence) => DOING.exec(sentence)?.[1])
    .find((name) => name !== undefined && isName(name));
  const named = doing ?? camel;
  if (named !== undefined) return { name: named, isNamed: true };
  // The first word of a sentence has a capital letter anyway.
  const start = /^(?:An?|The|Our|My|Your|New)\s/u.test(first)
    ? first
    : first.replace(/^(\p{Lu})(?=\p{Ll}*\s\p{Ll})/u, (letter) => letter.toLowerCase());
  return nameIn(start);
}

function short(name: string): string {
  for (let words: number = NAME.words; words > 0; words -= 1) {
    const start = firstWords(name, words);
    if (start.length <= NAME.characters) return start;
  }
  return cutText(name, NAME.characters);
}

/**
 * What a prompt says about the product: its name, benefits, audience, call to action and offer, by rules for English. Of another
 * language the first phrase is the name, and the other sentences are benefits.
 */
export function readBrief(prompt: string): PromptBrief {
  const sentences = sentencesOf(prompt);
  const english = isEnglish(prompt);
  const text = plain(prompt);
  if (!english) {
    const [first = text, ...rest] = sentences;
    const phrases = first
      .split(/(?<=\S)[,;:、，：؛،]\s*|\s[–—-]\s/u)
      .map(withoutStop)
      .filter((part) => part !== '');
    const [phrase = first, ...more] = phrases;
    const callToAction = rest.find(hasAddress);
    const benefits = [...more, ...rest]
      .filter((part) => part !== callToAction)
      .map((part) => cutText(capital(part), 160))
      .slice(0, 6);
    return {
      product: {
        name: cutText(quotedName(prompt) ?? phrase, 80),
        benefits,
        ...(callToAction === undefined ? {} : { callToAction: cutText(callToAction, 120) }),
      },
      benefits: benefits.map((text) => ({ text, isVerbal: false })),
      ...{ isNamed: true, offer: undefined, isEnglish: false },
    };
  }
  const { name, isNamed } = readName(prompt, sentences) ?? { name: withoutStop(text), isNamed: false };
  const found = short(name) || short(text) || 'This';
  const [audience, callToAction, offer] = [readAudience(sentences), readCallToAction(sentences), readOffer(text)];
  const benefits = readBenefits(sentences, { name: found, audience, callToAction });
  return {
    benefits,
    product: {
      name: isNamed ? found : capital(found),
      benefits: benefits.map(({ text }) => text),
      ...(audience === undefined ? {} : { audience: cutText(audience, 120) }),
      ...(callToAction === undefined ? {} : { callToAction: cutText(callToAction, 120) }),
    },
    isNamed,
    offer,
    isEnglish: true,
  };
}
