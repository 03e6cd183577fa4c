import { type EncodeProfile } from '@clipmesh/contracts';

/** A rectangle in a frame, px. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Shares of the frame that stay free on each side. */
interface Margins {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
/** Upright videos: what Meta, Google and TikTok leave clear of their own controls, x 120-888 and y 288-1248 of 1080x1920. */
const UPRIGHT: Margins = { left: 120 / 1080, right: 192 / 1080, top: 288 / 1920, bottom: 672 / 1920 };
const WIDE: Margins = { left: 0.06, right: 0.06, top: 0.08, bottom: 0.08 };
/** A frame that is at most this wide per height is upright. */
const UPRIGHT_RATIO = 0.7;

/** The part of a frame that apps leave clear. Text lies wholly inside. */
export function clearArea({ width, height }: Pick<EncodeProfile, 'width' | 'height'>): Area {
  const margins = width / height <= UPRIGHT_RATIO ? UPRIGHT : WIDE;
  const [left, top] = [Math.ceil(width * margins.left), Math.ceil(height * margins.top)];
  return {
    left,
    top,
    width: Math.floor(width * (1 - margins.right)) - left,
    height: Math.floor(height * (1 - margins.bottom)) - top,
  };
}

/** Converts points to pixels: one point is one pixel on a short side of 720 pixels. At least 4. */
export function pointsToPixels(points: number, { width, height }: Pick<EncodeProfile, 'width' | 'height'>): number {
  return Math.max(4, Math.round((points * Math.min(width, height)) / 720));
}

/**
 * Places a rectangle in the clear area: at its upper or lower edge or in its middle, and for `center` in the middle of the
 * frame's width as far as the area allows. `start` is the left side, as for a text from left to right.
 */
export function placeIn(
  area: Area,
  size: { readonly width: number; readonly height: number },
  frameWidth: number,
  position: 'top' | 'center' | 'bottom',
  align: 'start' | 'center' | 'end',
): Area {
  const free = { x: area.width - size.width, y: area.height - size.height };
  const wanted = { start: 0, center: frameWidth / 2 - size.width / 2 - area.left, end: free.x }[align];
  return {
    ...size,
    left: area.left + Math.max(0, Math.min(free.x, wanted)),
    top: area.top + { top: 0, center: free.y / 2, bottom: free.y }[position],
  };
}
