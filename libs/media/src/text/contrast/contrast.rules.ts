import { type EncodeProfile } from '@clipmesh/contracts';
import { type Area } from '../style/text.area.js';
import { type Backing, type TextStyle } from '../style/text.styles.js';

/** Red, green and blue, 0-255. */
export type Rgb = readonly [red: number, green: number, blue: number];

export function rgbOf(color: string): Rgb {
  const at = (index: number): number => Number.parseInt(color.slice(index, index + 2), 16);
  return [at(1), at(3), at(5)];
}

const LINEAR = Array.from({ length: 256 }, (_, value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});

/** Relative luminance of WCAG 2, 0-1. */
export function luminance([red, green, blue]: Rgb): number {
  const linear = (value: number): number => LINEAR[Math.max(0, Math.min(255, Math.round(value)))] ?? 0;
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** Contrast of two luminances, 1-21. */
export function contrastOf(one: number, other: number): number {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

/** Large text is at least 18 points, or 14 points when bold, on a phone: 24 and 18.7 of 390 pixels of its width. */
const LARGE = { plain: 24 / 390, bold: 18.66 / 390, boldFrom: 700 } as const;

export const SMALL_TEXT_CONTRAST = 4.5;

/** The contrast that a text needs: 3 when it is large, else 4.5. `size` in px. */
export function neededContrast(size: number, weight: number, { width, height }: EncodeProfile): number {
  const share = size / Math.min(width, height);
  return share >= (weight >= LARGE.boldFrom ? LARGE.bold : LARGE.plain) ? 3 : SMALL_TEXT_CONTRAST;
}

/** A picture, row by row. */
export interface Pixels {
  readonly width: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Reach of the pixels beside a letter, px, and how much of a letter is in a pixel inside and outside of it, 0-255. */
const BESIDE = { reach: 2, inside: 160, outside: 40 } as const;

/** Indices of the pixels beside the letters: they make the letters readable. `letters` is RGBA. */
export function edgeOf({ width, data }: Pixels): number[] {
  const height = data.length / 4 / width;
  const alpha = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : (data[(y * width + x) * 4 + 3] ?? 0);
  const found: number[] = [];
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      if (alpha(x, y) > BESIDE.outside) continue;
      const near = [
        alpha(x - BESIDE.reach, y),
        alpha(x + BESIDE.reach, y),
        alpha(x, y - BESIDE.reach),
        alpha(x, y + BESIDE.reach),
      ];
      if (near.some((one) => one > BESIDE.inside)) found.push(y * width + x);
    }
  return found;
}

/** Pixels beside letters: where each is in what is drawn and in the ground. */
export interface Edge {
  readonly drawn: number;
  readonly ground: number;
}

/** The places of pixels of `drawn` in `ground`; pixels outside of it are left out. Both are areas of one frame. */
export function edgeIn(indices: readonly number[], drawn: Area, ground: Area): Edge[] {
  return indices.flatMap((at) => {
    const x = (at % drawn.width) + drawn.left - ground.left;
    const y = Math.floor(at / drawn.width) + drawn.top - ground.top;
    const isInside = x >= 0 && y >= 0 && x < ground.width && y < ground.height;
    return isInside ? [{ drawn: at, ground: y * ground.width + x }] : [];
  });
}

/** This share of the pixels may have less contrast. */
const TOLERATED = 0.05;

/**
 * The contrast of a text with what is beside its letters: the ground under what the style draws behind them (`behind`, RGBA).
 * The lowest of all `grounds` (RGB), each but for the worst 5 % of its pixels. 21 when there is nothing to measure.
 */
export function measuredContrast(
  color: string,
  edge: readonly Edge[],
  behind: Pixels,
  grounds: readonly Pixels['data'][],
): number {
  const own = luminance(rgbOf(color));
  const contrasts = grounds.map((data) => {
    const each = edge
      .map(({ drawn, ground }) => {
        const share = (behind.data[drawn * 4 + 3] ?? 0) / 255;
        const mixed = (channel: number): number =>
          (behind.data[drawn * 4 + channel] ?? 0) * share + (data[ground * 3 + channel] ?? 0) * (1 - share);
        return contrastOf(own, luminance([mixed(0), mixed(1), mixed(2)]));
      })
      .sort((a, b) => a - b);
    return each[Math.floor(each.length * TOLERATED)] ?? 21;
  });
  return Math.min(21, ...contrasts);
}

/** Black and white: any colour has a contrast of at least 4.58, the root of 21, with one of them. */
const DARK = '#000000';
const LIGHT = '#ffffff';
const PILL = { kind: 'pill', padding: { x: 0.36, y: 0.1 }, radius: 0.3 } as const;
const OPACITIES = [0.6, 0.8, 1] as const;

/**
 * The style, then styles with more and more contrast: its own background less transparent, or a pill in black or white, whichever
 * differs more from the text. The last one has a contrast of at least 4.5 on any ground.
 */
export function strongerStyles(style: TextStyle, color: string): TextStyle[] {
  const own = luminance(rgbOf(color));
  const contrast = (other: string): number => contrastOf(own, luminance(rgbOf(other)));
  const strongest = contrast(DARK) >= contrast(LIGHT) ? DARK : LIGHT;
  const backing: Omit<Backing, 'opacity'> = { ...(style.backing ?? PILL), color: strongest };
  const isKept = style.backing !== undefined && contrast(style.backing.color) >= SMALL_TEXT_CONTRAST;
  const pill = isKept ? style.backing : backing;
  const from = style.backing?.opacity ?? 0;
  return [
    style,
    ...OPACITIES.filter((opacity) => !isKept || opacity > from).map((opacity) => ({
      ...style,
      lineHeight: Math.max(style.lineHeight, pill.kind === 'pill' ? 1.4 : 0),
      backing: { ...pill, opacity },
    })),
  ];
}
