import { type TextLook } from '@clipmesh/contracts';
import { type Typeface } from '../fonts/font.catalog.js';

/** How a text looks. Lengths are in sizes of the font, colours are `#rrggbb`, opacities are 0-1. */
export interface TextStyle {
  readonly typeface: Typeface;
  /** 100-900 */
  readonly weight: number;
  readonly uppercase: boolean;
  readonly align: 'start' | 'center' | 'end';
  /** Distance of baselines. */
  readonly lineHeight: number;
  readonly outline?: { readonly width: number; readonly color: string };
  readonly shadow?: {
    readonly dx: number;
    readonly dy: number;
    readonly blur: number;
    readonly color: string;
    readonly opacity: number;
  };
  /** Light around the letters, in the colour of the text. */
  readonly glow?: { readonly blur: number };
  /** Behind the text: a rounded box for each line, or one box for all of it, as wide as the clear area. */
  readonly backing?: Backing;
  /** Colour of the newest word, when words enter one by one. */
  readonly highlight?: string;
}
export interface Backing {
  readonly kind: 'pill' | 'bar';
  readonly color: string;
  readonly opacity: number;
  readonly padding: { readonly x: number; readonly y: number };
  readonly radius: number;
}

const SOFT_SHADOW = { dx: 0, dy: 0.04, blur: 0.14, color: '#000000', opacity: 0.75 } as const;

const SANS = { typeface: 'sans', uppercase: false, align: 'center', lineHeight: 1.22 } as const;

/** The style of each look. */
export const TEXT_STYLES: Readonly<Record<TextLook, TextStyle>> = {
  classic: { ...SANS, weight: 700, shadow: SOFT_SHADOW },
  bold: {
    ...SANS,
    typeface: 'poster',
    weight: 900,
    uppercase: true,
    lineHeight: 1.16,
    outline: { width: 0.06, color: '#000000' },
    shadow: { dx: 0.05, dy: 0.07, blur: 0, color: '#000000', opacity: 1 },
  },
  clean: {
    ...SANS,
    weight: 600,
    lineHeight: 1.5,
    backing: { kind: 'pill', color: '#ffffff', opacity: 0.94, padding: { x: 0.42, y: 0.12 }, radius: 0.34 },
  },
  elegant: {
    ...SANS,
    typeface: 'serif',
    weight: 500,
    lineHeight: 1.3,
    shadow: { ...SOFT_SHADOW, opacity: 0.5 },
    backing: { kind: 'bar', color: '#140f0a', opacity: 0.55, padding: { x: 0.4, y: 0.45 }, radius: 0 },
  },
  neon: { ...SANS, weight: 700, outline: { width: 0.025, color: '#06243a' }, glow: { blur: 0.22 } },
  karaoke: {
    ...SANS,
    weight: 900,
    outline: { width: 0.08, color: '#000000' },
    shadow: { ...SOFT_SHADOW, blur: 0.2 },
    highlight: '#ffd60a',
  },
};

/** Free space that a style needs around the box of its letters, in sizes: what must lie in the clear area with the text. */
export function insetOf({ outline, backing }: TextStyle): { x: number; y: number } {
  const ink = outline?.width ?? 0;
  return { x: Math.max(ink, backing?.padding.x ?? 0), y: Math.max(ink, backing?.padding.y ?? 0) };
}

/** How far a style draws beyond the box of its letters, in sizes: a shadow and a glow may leave the clear area. */
export function reachOf(style: TextStyle): { x: number; y: number } {
  const { shadow, glow } = style;
  const inset = insetOf(style);
  const soft = Math.max(
    shadow === undefined ? 0 : Math.max(Math.abs(shadow.dx), Math.abs(shadow.dy)) + shadow.blur * 1.5,
    (glow?.blur ?? 0) * 3,
  );
  return { x: Math.max(inset.x, soft) + 0.05, y: Math.max(inset.y, soft) + 0.05 };
}
