/** Red, green and blue, 0-255. */
export type Rgb = readonly [number, number, number];

/** Colours by the words of a palette. A word of two names comes before its parts. */
const NAMED: Readonly<Record<string, Rgb>> = {
  ...{ 'espresso brown': [74, 44, 32], 'midnight blue': [18, 26, 66], 'electric cyan': [46, 226, 245] },
  ...{ 'signal orange': [255, 103, 31], 'sunny yellow': [255, 205, 56], 'sky blue': [112, 190, 240] },
  ...{ 'antique gold': [198, 156, 84], 'forest green': [34, 84, 61], 'sunrise orange': [247, 148, 78] },
  ...{ 'tomato red': [214, 62, 42], 'warm white': [250, 240, 226], 'lime green': [156, 214, 60] },
  ...{ 'leaf green': [96, 158, 74], 'sunflower yellow': [250, 194, 46], 'light blue': [170, 214, 240] },
  ...{ 'blush pink': [243, 190, 196], 'ink black': [16, 14, 28], 'ice blue': [188, 222, 240] },
  ...{ 'racing red': [206, 32, 41], 'warm orange': [240, 140, 70], 'soft white': [246, 244, 238] },
  ...{ 'deep blue': [22, 48, 96], 'deep burgundy': [86, 20, 38], 'sage green': [156, 174, 146] },
  ...{ 'brick red': [164, 66, 52], 'faded teal': [104, 150, 148] },
  ...{ black: [22, 22, 26], white: [246, 246, 246], grey: [136, 140, 148], gray: [136, 140, 148] },
  ...{ silver: [190, 196, 206], charcoal: [48, 50, 58], graphite: [58, 62, 70], slate: [92, 106, 122] },
  ...{ gold: [206, 164, 72], golden: [222, 176, 80], bronze: [166, 116, 70], copper: [184, 112, 76] },
  ...{ red: [208, 50, 50], crimson: [178, 28, 58], burgundy: [110, 28, 50], coral: [255, 127, 104] },
  ...{ pink: [242, 140, 170], rose: [226, 120, 140], magenta: [226, 44, 160], plum: [112, 48, 96] },
  ...{ purple: [120, 66, 168], violet: [134, 86, 220], ultraviolet: [92, 56, 226], lavender: [190, 176, 232] },
  ...{ indigo: [70, 66, 160], navy: [26, 40, 84], blue: [52, 112, 210], teal: [34, 132, 132] },
  ...{ turquoise: [60, 190, 186], cyan: [60, 206, 226], aqua: [110, 214, 222], mint: [168, 222, 194] },
  ...{ green: [74, 150, 84], olive: [122, 128, 70], lime: [170, 220, 70], sage: [156, 174, 146] },
  ...{ yellow: [248, 206, 70], mustard: [214, 166, 56], orange: [244, 132, 52], peach: [250, 186, 150] },
  ...{ amber: [240, 170, 50], caramel: [196, 132, 76], beige: [226, 208, 180], sand: [222, 200, 164] },
  ...{ oat: [230, 216, 192], cream: [248, 236, 212], ivory: [250, 244, 230], brown: [122, 78, 50] },
  ...{ espresso: [74, 44, 32], terracotta: [200, 104, 76], earth: [132, 96, 66], neon: [80, 250, 160] },
};
const NAMES = new RegExp(
  `\\b(?:${Object.keys(NAMED)
    .sort((a, b) => b.length - a.length)
    .join('|')})\\b`,
  'giu',
);

/** The colours that a text names, in its order, at most four. */
export function coloursIn(text: string): Rgb[] {
  const found = (text.toLowerCase().match(NAMES) ?? []).map((name) => NAMED[name] ?? BLACK);
  return [...new Map(found.map((colour) => [colour.join(), colour])).values()].slice(0, 4);
}

export const mix = (a: Rgb, b: Rgb, share: number): Rgb => [
  Math.round(a[0] + (b[0] - a[0]) * share),
  Math.round(a[1] + (b[1] - a[1]) * share),
  Math.round(a[2] + (b[2] - a[2]) * share),
];
export const BLACK: Rgb = [0, 0, 0];
export const WHITE: Rgb = [255, 255, 255];
export const lighter = (colour: Rgb, share: number): Rgb => mix(colour, WHITE, share);
export const darker = (colour: Rgb, share: number): Rgb => mix(colour, BLACK, share);
/** Brightness as the eye sees it, 0-1. */
export const luma = ([red, green, blue]: Rgb): number => (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
export const saturation = (colour: Rgb): number => (Math.max(...colour) - Math.min(...colour)) / 255;
export const greyer = (colour: Rgb, share: number): Rgb => {
  const grey = Math.round(luma(colour) * 255);
  return mix(colour, [grey, grey, grey], share);
};
export const css = ([red, green, blue]: Rgb, opacity = 1): string => `rgba(${red},${green},${blue},${opacity})`;

/** A colour of this hue in degrees. */
export function fromHue(hue: number, lightness: number): Rgb {
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(
      255 * (lightness - Math.min(lightness, 1 - lightness) * 0.6 * Math.max(-1, Math.min(k - 3, 9 - k, 1))),
    );
  };
  return [channel(0), channel(8), channel(4)];
}
