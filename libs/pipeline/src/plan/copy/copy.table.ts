/** Phrasings of a role, the best first. A phrasing is used when the brief fills all of its places. */
export interface Phrasings {
  /** Texts on the picture. */
  readonly texts: readonly string[];
  /** Spoken words, from the longest to the shortest. */
  readonly scripts: readonly string[];
}

/**
 * The places: `{name}` as on the package, `{product}` within a sentence ("the solar lamp"), `{meet}` after "meet" ("your new solar
 * lamp"), `{benefit}` and
 * `{Benefit}`, `{It}` and `{Both}` one and two benefits as sentences, `{audience}` and `{Audience}`, `{offer}`, `{cta}`.
 */
export const COPY: Readonly<Record<string, Phrasings>> = {
  problem: {
    texts: [
      '{Audience}: still without {product}?',
      'Still without {product}?',
      'A day without {product}',
      'Why wait for {product}?',
    ],
    scripts: [
      '{Audience}, does this sound familiar? Another day without {product}, and everything takes longer than it should.',
      'Does this sound familiar? Another day without {product}.',
      'Still living without {product}? There is an easier way.',
      'Still living without {product}?',
      'Another day without {product}.',
    ],
  },
  agitate: {
    texts: ['How much longer without {product}?', 'Every day without {product} costs you', '{name} would have helped'],
    scripts: [
      'And every day it gets a little harder. How much longer do you want to go without {product}?',
      'It does not get better by itself. You need {product}.',
      'How much longer without {product}?',
      'You need {product}.',
    ],
  },
  solution: {
    texts: ['{name}: {benefit}', 'Meet {meet}', '{Benefit}', '{name}. Finally.', '{cta}', 'Get {product} today'],
    scripts: [
      'Meet {meet}. {Both}. {cta}.',
      'Meet {meet}. {Both}.',
      'Meet {meet}. {It}. {cta}.',
      'Meet {meet}. {It}.',
      'Then comes {product}. {It}.',
      'Meet {meet}. It makes the difference.',
      'Meet {meet}.',
    ],
  },
  before: {
    texts: ['Before {product}', 'Life before {product}', 'A day without {product}'],
    scripts: [
      'Remember life before {product}? Slow mornings, long days, and always something missing.',
      'Remember life before {product}? Something was always missing.',
      'Remember life before {product}?',
      'This is life before {product}.',
    ],
  },
  after: {
    texts: ['With {product}: {benefit}', 'Life with {product}', '{Benefit}', '{name} changes the day'],
    scripts: [
      'Now see the same day with {product}. {Both}.',
      'Now the same day with {product}. {It}.',
      'With {product}. {It}.',
      'The same day, with {product}.',
      'Life with {product}.',
    ],
  },
  bridge: {
    texts: ['{name}: {benefit}', '{cta}', '{name} makes the difference', 'Get {product} today'],
    scripts: [
      '{name} makes the difference. {It}. {offer}. {cta}.',
      '{name} makes the difference. {It}. {cta}.',
      '{name} makes the difference. {It}.',
      '{name} makes the difference. {cta}.',
      '{name} makes the difference.',
    ],
  },
  attention: {
    texts: ['Meet {meet}', '{name}: {benefit}', '{Audience}, meet {meet}', 'This is {name}', '{name} is here'],
    scripts: [
      '{Audience}, this one is for you. Meet {meet}. {It}.',
      '{Audience}, meet {meet}. {It}.',
      'Say hello to {meet}. {It}.',
      'Meet {meet}. {It}.',
      'Say hello to {meet}.',
      'Meet {meet}.',
    ],
  },
  interest: {
    texts: ['{Benefit}', '{name}: {benefit}', 'What makes {product} different', 'Inside {product}'],
    scripts: [
      'What makes {product} special? {Both}. You notice it from the very first day.',
      'What makes {product} special? {Both}.',
      'What makes {product} special? {It}.',
      '{It}.',
      'With {product}. {It}.',
      '{It}.',
      'Every detail of {product} has a reason.',
      'See what {product} can do.',
    ],
  },
  desire: {
    texts: [
      '{Benefit}',
      'Made for {audience}',
      '{name}: {benefit}',
      'A day with {product}',
      'Imagine {product} at your side',
    ],
    scripts: [
      'Imagine your day with {product}. {Both}. Made for {audience}.',
      'Imagine your day with {product}. {Both}.',
      'Imagine your day with {product}. {It}.',
      'Made for {audience}. {It}.',
      'Imagine your day with {product}.',
      '{It}.',
      'Imagine having {product}.',
    ],
  },
  action: {
    texts: ['{offer}. {cta}', '{cta}', '{name}: {offer}', 'Get {product} today', 'Try {product} now'],
    scripts: [
      '{name}. {It}. {offer}. {cta}.',
      '{name}. {offer}. {cta}.',
      'Get {product} today. {offer}. {cta}.',
      '{name}. {cta}.',
      '{cta}.',
      'Get {product} today. You will be glad you did.',
      'Get {product} today.',
      'Get {product} today.',
    ],
  },
};
