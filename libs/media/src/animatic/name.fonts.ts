import { setFont, type Skia } from '../text/drawing/canvas.fonts.js';
import { bundledFonts, emojiFonts } from '../text/fonts/font.catalog.js';
import { chooseFonts } from '../text/fonts/font.chooser.js';
import { languageOf } from '../speech/text.language.js';

const WEIGHT = 800;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The font families that draw a text, for the `font` of a context. They are files of packages, never fonts of the machine, so that a
 * clip has the same bytes everywhere. A character that none of them has is drawn as a box.
 */
export function familiesOf(skia: Skia, text: string): string {
  const chooser = chooseFonts(bundledFonts('sans', WEIGHT, languageOf(text) ?? 'en'), emojiFonts());
  const context = skia.createCanvas(1, 1).getContext('2d');
  const names = new Set<string>();
  // The letter is for texts of which no character has a font.
  for (const { segment } of graphemes.segment(`${text}A`)) {
    const font = chooser.fontFor(segment);
    if (font === undefined || names.has(font.name)) continue;
    setFont(context, skia, font, WEIGHT, 10);
    names.add(font.name);
  }
  return Array.from(names, (name) => `"${name}"`).join(', ');
}
