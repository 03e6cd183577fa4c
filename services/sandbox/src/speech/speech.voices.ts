/** OpenAI's voices, each with a variant of espeak-ng, so that they sound different. */
const VARIANTS = {
  alloy: 'f4',
  ash: 'm3',
  ballad: 'm7',
  cedar: 'm2',
  coral: 'f2',
  echo: 'm1',
  fable: 'm5',
  marin: 'f1',
  nova: 'f3',
  onyx: 'm4',
  sage: 'f5',
  shimmer: 'belinda',
  verse: 'm6',
} as const;

export const VOICES = Object.keys(VARIANTS);

/** The voice argument of espeak-ng. A voice that is not OpenAI's, as other servers have, sounds like the first one. */
export const variantOf = (voice: string): string =>
  `+${Object.hasOwn(VARIANTS, voice) ? VARIANTS[voice as keyof typeof VARIANTS] : VARIANTS.alloy}`;
