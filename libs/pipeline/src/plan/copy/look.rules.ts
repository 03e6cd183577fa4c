import { cutText, type Transition } from '@clipmesh/contracts';
import { hashOf, plain } from './prompt.text.js';
import { type Look, LOOKS, PLAIN_LOOKS } from './look.table.js';

const COLOURS =
  /\b(?:black|white|grey|gray|silver|gold(?:en)?|red|crimson|burgundy|coral|pink|rose|magenta|purple|violet|lavender|indigo|navy|blue|teal|turquoise|cyan|aqua|mint|green|olive|lime|yellow|mustard|orange|peach|beige|sand|cream|brown|terracotta)\b/giu;
/** Before the colours of a look that the prompt asks for: `in navy and gold`. */
const COLOUR_PHRASE =
  /(?:colou?rs?|palette|tones?)\s*(?:are|is|:|of|in)?\s*([^.\n]{3,80})|([^.\n]{3,60})\s(?:colou?rs|tones|palette)\b/iu;
const ASKED_STYLE = /\bstyle\s*(?:is|:)\s*([^.\n]{3,120})/iu;

/** Words that ask for a look, whatever is advertised. */
const ASKED: readonly { readonly words: RegExp; readonly change: Partial<Look> }[] = [
  {
    words: /\b(?:black and white|monochrome)\b/iu,
    change: { style: 'black and white photography', palette: 'black, grey, white' },
  },
  {
    words: /\b(?:retro|vintage|70s|80s|nostalgi\w+)\b/iu,
    change: { style: 'vintage photography with grain', palette: 'mustard, brick red, faded teal' },
  },
  { words: /\bpastel/iu, change: { palette: 'blush pink, mint, lavender' } },
  { words: /\bneon\b/iu, change: { palette: 'magenta, cyan, ink black', lighting: 'neon light in the dark' } },
  { words: /\bminimal\w*/iu, change: { style: 'minimal studio photography' } },
  { words: /\bcinematic\b/iu, change: { style: 'cinematic realism' } },
  { words: /\b(?:dark|moody)\b/iu, change: { lighting: 'low-key light, deep shadows' } },
  { words: /\b(?:calm|relaxing|quiet|soothing) (?:music|mood|tone)\b/iu, change: { music: 'calm' } },
  { words: /\b(?:upbeat|energetic)\b/iu, change: { music: 'upbeat' } },
  { words: /\bepic\b/iu, change: { music: 'epic' } },
];

/** The look of a video from the words of its prompt. What the prompt asks for wins over what suits the product. */
export function lookFor(prompt: string): Look {
  const text = plain(prompt);
  const scores = LOOKS.map(({ words, look }) => ({ look, score: new Set(text.toLowerCase().match(words) ?? []).size }));
  const best = Math.max(...scores.map(({ score }) => score));
  const [plainLook] = PLAIN_LOOKS;
  const found =
    best > 0 ? scores.find(({ score }) => score === best)?.look : PLAIN_LOOKS[hashOf(text) % PLAIN_LOOKS.length];
  const asked = ASKED.filter(({ words }) => words.test(text)).reduce<Partial<Look>>(
    (changes, { change }) => ({ ...changes, ...change }),
    {},
  );
  const style = ASKED_STYLE.exec(prompt)?.[1];
  const phrase = COLOUR_PHRASE.exec(text);
  const colours = [...new Set((phrase?.[1] ?? phrase?.[2] ?? '').toLowerCase().match(COLOURS) ?? [])];
  return {
    ...(found ?? (plainLook as Look)),
    ...asked,
    ...(style === undefined ? {} : { style: cutText(plain(style), 200) }),
    ...(colours.length < 2 ? {} : { palette: colours.slice(0, 4).join(', ') }),
  };
}

const TRANSITION_OF: Readonly<Record<string, Transition>> = {
  ...{ agitate: 'cut', solution: 'dip-white' },
  ...{ after: 'dip-white', bridge: 'crossfade' },
  ...{ interest: 'crossfade', desire: 'crossfade', action: 'zoom' },
};
/** What a cross-fade becomes in a video of this mood. */
const LIVELY: Readonly<Partial<Record<Look['music'], Transition>>> = { upbeat: 'slide', playful: 'wipe', epic: 'zoom' };

/** How a scene begins: by its role, livelier with lively music. Scenes of the same role follow each other with a cut. */
export function transitionFor(role: string, previous: string | undefined, music: Look['music']): Transition {
  if (role === previous) return 'cut';
  const transition = TRANSITION_OF[role] ?? 'cut';
  return transition === 'crossfade' ? (LIVELY[music] ?? transition) : transition;
}
