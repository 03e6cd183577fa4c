import { capital, plain, withoutStop } from './prompt.text.js';

const PEOPLE =
  'parents|moms|mums|mothers|dads|fathers|families|kids|children|babies|toddlers|teens|teenagers|students|teachers|runners|athletes|cyclists|hikers|climbers|campers|swimmers|surfers|gamers|developers|programmers|engineers|designers|creators|writers|freelancers|founders|startups|entrepreneurs|teams|companies|businesses|offices|professionals|managers|women|men|people|girls|boys|seniors|adults|beginners|travell?ers|commuters|owners|lovers|fans|enthusiasts|homeowners|renters|cooks|chefs|bakers|musicians|artists|photographers|couples|gardeners|farmers|drivers|riders|nurses|doctors|workers|makers|brides|shoppers|readers|learners|sleepers|everyone|anyone|dogs|cats|pets|hair|skin';
const AUDIENCE = new RegExp(
  String.raw`\b(?:for|aimed at|targeting|targeted at|made for|perfect for)\s+((?:(?!(?:ad|video|the|a|an|and)\b)[\p{L}'’-]+\s+){0,3}(?:${PEOPLE}))(?![\p{L}-])((?:\s+(?:who|with|on|in)\s+(?:[\p{L}'’-]+\s?){1,5})?)`,
  'iu',
);
const STATED = /(?:target audience|audience|target group)\s*(?:is|are|:)\s*([^.;\n]{2,100})/iu;

/** For whom the product is: `busy parents`. */
export function readAudience(sentences: readonly string[]): string | undefined {
  const text = sentences.join('.\n');
  const stated = STATED.exec(text)?.[1];
  if (stated !== undefined) return withoutStop(plain(stated));
  const [, people, more = ''] = AUDIENCE.exec(text) ?? [];
  return people && withoutStop(plain(`${people}${/\swho\s/iu.test(more) ? more : ''}`));
}

const URL = String.raw`(?:https?:\/\/)?(?:[a-z0-9-]{1,40}\.){1,3}(?:com|shop|org|net|io|co|app|store|ai|dev|de|fr|es|it|uk|eu|us|me|tv)(?:\/[\w./-]{0,60})?(?![\w@])`;
const PHONE = String.raw`\+?\d[\d\s()-]{5,16}\d`;
const VERBS =
  'order|buy|shop|boo(?:k)|visit|download|get|sign up|subscribe|join|call|try|reserve|pre-?order|start|go to|find|learn more|register|apply|donate|come|swipe up|tap|click|follow|request|claim|grab|save|install|message|contact|stop by';
const ADDRESSED = new RegExp(
  String.raw`\b((?:${VERBS})\b[^.,;!?\n]{0,50}?\b(?:at|on|from|to|under|via)?\s*(?:${URL}|${PHONE}))`,
  'iu',
);
const IMPERATIVE = new RegExp(
  String.raw`^((?:${VERBS})\b(?:(?![,;]).){0,60}?\b(?:now|today|tonight|online|free|yours|us|here|app|store|table|demo|trial|appointment|tickets?|spot|seat)\b[^,;]{0,30})`,
  'iu',
);
const STATED_CTA = /(?:call[- ]to[- ]action|\bcta)\s*(?:is|:)?\s*["“']?([^"”'.;\n]{3,100})/iu;
const ANY_URL = new RegExp(String.raw`(?<![\w@.])${URL}`, 'iu');
/** Whether a text has a web address. */
export const hasAddress = (text: string): boolean => ANY_URL.test(text);

/** What the viewer should do: `Order at x.com`. */
export function readCallToAction(sentences: readonly string[]): string | undefined {
  const text = sentences.join('\n');
  const stated = STATED_CTA.exec(text)?.[1];
  if (stated !== undefined) return capital(withoutStop(plain(stated)));
  const addressed = ADDRESSED.exec(text)?.[1];
  if (addressed !== undefined) return capital(withoutStop(plain(addressed)));
  for (const sentence of sentences) {
    const found = IMPERATIVE.exec(sentence)?.[1];
    if (found !== undefined && found.split(' ').length <= 9) return capital(withoutStop(plain(found)));
  }
  const url = ANY_URL.exec(text)?.[0];
  return url && `Visit ${url.replace(/^https?:\/\//iu, '')}`;
}

const OFFERS: readonly RegExp[] = [
  /\b(?:up to\s+)?\d{1,2}\s?(?:%|percent)\s?(?:off|discount|cheaper|less)/iu,
  /\b(?:half price|buy one,? get one(?: free)?|two for one|2 for 1)\b/iu,
  /\b(?:free|same[- ]day|next[- ]day) (?:shipping|delivery|trial|returns?|samples?|consultation)\b/iu,
  /\b(?:(?:now\s+)?(?:only|just|from|for only)\s+)[$€£]\s?\d[\d.,]*\d?(?:\s?(?:a|per|\/)\s?(?:month|week|year|day|person|mo))?/iu,
  /[$€£]\s?\d[\d.,]*\d?(?:\s?(?:a|per|\/)\s?(?:month|week|year|day|person|mo))?/iu,
];
/** The first offer in a text: `20 % off`, `free shipping`, `only $9`. */
export function readOffer(text: string): string | undefined {
  for (const pattern of OFFERS) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return capital(withoutStop(plain(found)));
  }
  return undefined;
}
