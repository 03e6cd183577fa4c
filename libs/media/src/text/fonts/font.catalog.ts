import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { z } from 'zod';

/** The kinds of letters that a style can ask for. */
export const TYPEFACES = ['sans', 'poster', 'serif'] as const;
export type Typeface = (typeof TYPEFACES)[number];

/** One file of a font. */
export interface FontFile {
  readonly path: string;
  /** The name under which the file is registered for drawing. */
  readonly name: string;
  /** Draws its own colours, and has no outline. */
  readonly isEmoji: boolean;
  /** The weights that the file has, 1-1000. */
  readonly weights: readonly [lightest: number, heaviest: number];
  /** The code points that the file can have. Undefined: read the file to know. */
  readonly ranges?: readonly (readonly [first: number, last: number])[];
}

const resolve = createRequire(import.meta.url).resolve;
const file = (path: string, weights: FontFile['weights'], more: Partial<FontFile> = {}): FontFile => ({
  path: resolve(path),
  name: `clipmesh ${path.slice(path.lastIndexOf('/') + 1)}`,
  isEmoji: false,
  weights,
  ...more,
});
const VARIABLE = [100, 900] as const;

/** The single-script slice of a variable Noto font. */
const script = (name: string): FontFile =>
  file(`@fontsource-variable/noto-sans-${name}/files/noto-sans-${name}-${name}-wght-normal.woff2`, VARIABLE);

const parseRanges = (text: string): (readonly [number, number])[] =>
  text.split(',').map((range) => {
    const [first = '', last = first] = range.trim().replace(/^U\+/iu, '').split('-');
    return [Number.parseInt(first, 16), Number.parseInt(last, 16)] as const;
  });

/** The numbered slices of an East Asian font. Slices whose ranges do not have a character need not be read. */
function slices(name: string): FontFile[] {
  const index = z
    .record(z.string(), z.string())
    .parse(JSON.parse(readFileSync(resolve(`@fontsource-variable/noto-sans-${name}/unicode.json`), 'utf8')));
  return Object.entries(index)
    .filter(([slice]) => slice.startsWith('['))
    .map(([slice, ranges]) =>
      file(
        `@fontsource-variable/noto-sans-${name}/files/noto-sans-${name}-${slice.slice(1, -1)}-wght-normal.woff2`,
        VARIABLE,
        { ranges: parseRanges(ranges) },
      ),
    );
}

const NOTO_SANS = [
  [300, '300Light/NotoSans_300Light'],
  [400, '400Regular/NotoSans_400Regular'],
  [500, '500Medium/NotoSans_500Medium'],
  [600, '600SemiBold/NotoSans_600SemiBold'],
  [700, '700Bold/NotoSans_700Bold'],
  [800, '800ExtraBold/NotoSans_800ExtraBold'],
  [900, '900Black/NotoSans_900Black'],
] as const;
const SCRIPTS = ['arabic', 'hebrew', 'devanagari', 'thai', 'bengali', 'tamil', 'telugu'] as const;
const LATIN_SLICES = ['latin', 'latin-ext', 'vietnamese'] as const;

/** The order of the East Asian fonts, which draw some of the same characters differently. */
const EAST_ASIAN = { ja: ['jp', 'kr', 'sc'], ko: ['kr', 'jp', 'sc'], zh: ['sc', 'jp', 'kr'] } as const;

const known = new Map<string, readonly FontFile[]>();
const once = (key: string, load: () => readonly FontFile[]): readonly FontFile[] => {
  const found = known.get(key) ?? load();
  known.set(key, found);
  return found;
};

/** Noto Color Emoji, from its npm package. */
export const emojiFonts = (): readonly FontFile[] =>
  once('emoji', () => [
    file('@fontsource/noto-color-emoji/files/noto-color-emoji-emoji-400-normal.woff2', [400, 400], { isEmoji: true }),
  ]);

/** The letters that give a style its character. They are tried before the fonts of all scripts. */
function displayFonts(typeface: Typeface): readonly FontFile[] {
  if (typeface === 'sans') return [];
  return once(typeface, () =>
    typeface === 'poster'
      ? LATIN_SLICES.map((slice) => file(`@fontsource/anton/files/anton-${slice}-400-normal.woff2`, [400, 400]))
      : [...LATIN_SLICES, 'cyrillic'].map((slice) =>
          file(`@fontsource-variable/playfair-display/files/playfair-display-${slice}-wght-normal.woff2`, [400, 900]),
        ),
  );
}

/**
 * The bundled fonts in the order in which a character looks for its glyph. `language` (BCP 47) orders the East Asian fonts.
 * All are files of npm packages; nothing of the machine is used.
 */
export function bundledFonts(typeface: Typeface, weight: number, language: string): readonly FontFile[] {
  const [, sans] = NOTO_SANS.reduce((best, each) =>
    Math.abs(each[0] - weight) < Math.abs(best[0] - weight) ? each : best,
  );
  const order = language === 'ja' || language === 'ko' ? EAST_ASIAN[language] : EAST_ASIAN.zh;
  return [
    ...displayFonts(typeface),
    ...once(sans, () => [file(`@expo-google-fonts/noto-sans/${sans}.ttf`, [weight, weight])]),
    ...once('scripts', () => SCRIPTS.map(script)),
    ...order.flatMap((name) => once(name, () => slices(name))),
    ...once('symbols', () => [file('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf', [700, 700])]),
  ];
}

/** A font file of the operator's brand. */
export function brandFont(path: string, index: number): FontFile {
  return { path, name: `clipmesh brand ${index}`, isEmoji: false, weights: [400, 400] };
}
