import type * as Canvas from '@napi-rs/canvas';
import { type FontFile } from '../fonts/font.catalog.js';
import { type TextMetrics } from '../layout/line.tokens.js';

export type Skia = typeof Canvas;
export type CanvasContext = Canvas.SKRSContext2D;

let canvas: Promise<Skia> | undefined;

/** Loads Skia, which takes some 30 MB; only processes that draw text do. */
export function loadCanvas(): Promise<Skia> {
  return (canvas ??= import('@napi-rs/canvas'));
}

/** Size at which texts are measured, px. Metrics grow in proportion to the size. */
const MEASURE_PX = 100;
const registered = new Set<string>();

/** Makes a font the font of a context. The file is read when it is first used. */
export function setFont(
  context: CanvasContext,
  { GlobalFonts }: Skia,
  font: FontFile,
  weight: number,
  px: number,
): void {
  if (!registered.has(font.name)) {
    if (GlobalFonts.registerFromPath(font.path, font.name) === null) throw new Error('a font cannot be read');
    registered.add(font.name);
  }
  const [lightest, heaviest] = font.weights;
  context.font = `${Math.min(heaviest, Math.max(lightest, weight))} ${px}px "${font.name}"`;
}

/** Measures texts of one weight. Repeated questions cost nothing. */
export function openMeasure(
  skia: Skia,
  weight: number,
): (text: string, font: FontFile, isRightToLeft: boolean) => TextMetrics {
  const context = skia.createCanvas(1, 1).getContext('2d');
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  const known = new Map<string, TextMetrics>();
  return (text, font, isRightToLeft) => {
    const key = `${font.name}\n${isRightToLeft ? 'r' : 'l'}${text}`;
    let metrics = known.get(key);
    if (metrics === undefined) {
      setFont(context, skia, font, weight, MEASURE_PX);
      context.direction = isRightToLeft ? 'rtl' : 'ltr';
      const found = context.measureText(text);
      metrics = {
        width: found.width / MEASURE_PX,
        ascent: found.actualBoundingBoxAscent / MEASURE_PX,
        descent: found.actualBoundingBoxDescent / MEASURE_PX,
      };
      known.set(key, metrics);
    }
    return metrics;
  };
}
