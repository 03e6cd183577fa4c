import type * as Canvas from '@napi-rs/canvas';
import { type CanvasContext } from '../text/drawing/canvas.fonts.js';
import { css, type Rgb } from './colour.rules.js';

export type Context = CanvasContext;

/** Numbers from 0 to 1 that depend on the seed and nothing else (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function verticalFill(
  context: Context,
  top: number,
  bottom: number,
  colours: readonly Rgb[],
): Canvas.CanvasGradient {
  const gradient = context.createLinearGradient(0, top, 0, bottom);
  for (const [index, colour] of colours.entries())
    gradient.addColorStop(index / Math.max(1, colours.length - 1), css(colour));
  return gradient;
}
export function sideFill(
  context: Context,
  left: number,
  right: number,
  colours: readonly Rgb[],
): Canvas.CanvasGradient {
  const gradient = context.createLinearGradient(left, 0, right, 0);
  for (const [index, colour] of colours.entries())
    gradient.addColorStop(index / Math.max(1, colours.length - 1), css(colour));
  return gradient;
}

/** A soft spot of light. */
export function glow(context: Context, x: number, y: number, radius: number, colour: Rgb, opacity: number): void {
  const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
  gradient.addColorStop(0, css(colour, opacity));
  gradient.addColorStop(1, css(colour, 0));
  context.fillStyle = gradient;
  context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

export function disc(context: Context, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

export function rounded(context: Context, x: number, y: number, width: number, height: number, radius: number): void {
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
}
