import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import opentype from 'opentype.js';
import { type TextMeasure } from './text.layout.js';

/** Path of the default font: DejaVu Sans Bold, from its npm package. */
export function defaultFontFile(): string {
  return createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf');
}

export interface Font extends TextMeasure {
  readonly file: string;
}

/** Loads a TrueType or OpenType font for measuring text. */
export async function loadFont(file: string): Promise<Font> {
  const bytes = await readFile(file);
  // Glyphs are read when they are asked for: reading all of them holds up the start of a service.
  const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), {
    lowMemory: true,
  });
  return {
    file,
    // Glyph by glyph: drawtext makes no substitutions, and opentype.js cannot read this font's.
    width: (text, size) =>
      (Array.from(text).reduce((sum, character) => sum + (font.charToGlyph(character).advanceWidth ?? 0), 0) * size) /
      font.unitsPerEm,
    has: (character) => font.charToGlyphIndex(character) > 0,
  };
}
