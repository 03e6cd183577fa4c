import { type EncodeProfile, type OverlayText } from '@clipmesh/contracts';
import { lineHeight, type TextLayout } from '../text/text.layout.js';

const ANIMATION_SECONDS = 0.5;

/** Escapes a value for an option inside a filter graph: once for the option, once for the graph. */
export function filterValue(value: string): string {
  return value.replace(/[\\':]/gu, '\\$&').replace(/[\\'[\],;]/gu, '\\$&');
}

/** Converts a font size to pixels: one point is one pixel on a short side of 720 pixels. At least 4. */
export function fontPixels(points: number, profile: EncodeProfile): number {
  return Math.max(4, Math.round((points * Math.min(profile.width, profile.height)) / 720));
}

/** The area for text, pixels. */
export function textBox(profile: EncodeProfile): { width: number; height: number } {
  return { width: Math.floor(profile.width * 0.9), height: Math.floor(profile.height * 0.8) };
}

/** One drawtext filter per line, so that each line is centred. The texts are in files, never in the graph. */
export function drawTextFilters(
  overlay: OverlayText,
  layout: TextLayout,
  lineFiles: readonly string[],
  fontFile: string,
  profile: EncodeProfile,
): string[] {
  const step = lineHeight(layout.size);
  const block = step * lineFiles.length;
  const margin = Math.round(profile.height * 0.08);
  const top = {
    top: margin,
    center: Math.round((profile.height - block) / 2),
    bottom: profile.height - margin - block,
  }[overlay.position];
  const left = `max(0,1-t/${ANIMATION_SECONDS})`;
  return lineFiles.map((file, index) => {
    // y_align needs ffmpeg 6.1. Anchoring on the font's ascent aligns lines with and without descenders.
    const y = `${top + index * step}+${Math.round(layout.size * 0.95)}-ascent`;
    const options: Record<string, string> = {
      fontfile: fontFile,
      textfile: file,
      expansion: 'none',
      fontsize: String(layout.size),
      fontcolor: `0x${overlay.color.slice(1)}`,
      x: '(w-text_w)/2',
      y: overlay.animation === 'slide' ? `${y}+${step * 2}*${left}*${left}` : y,
      ...(overlay.animation === 'none' ? {} : { alpha: `min(1,t/${ANIMATION_SECONDS})` }),
      ...(overlay.shadow
        ? {
            shadowcolor: 'black@0.7',
            shadowx: String(Math.max(1, Math.round(layout.size / 20))),
            shadowy: String(Math.max(1, Math.round(layout.size / 20))),
          }
        : {}),
    };
    return `drawtext=${Object.entries(options)
      .map(([name, value]) => `${name}=${filterValue(value)}`)
      .join(':')}`;
  });
}
