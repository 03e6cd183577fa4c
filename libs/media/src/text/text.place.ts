import { ClipmeshError, type EncodeProfile, type OverlayText, undrawableIn } from '@clipmesh/contracts';
import { type BlockPainting } from './drawing/block.painter.js';
import { openMeasure, type Skia } from './drawing/canvas.fonts.js';
import { brandFont, bundledFonts, emojiFonts } from './fonts/font.catalog.js';
import { chooseFonts, type FontChooser } from './fonts/font.chooser.js';
import { layOut } from './layout/text.layout.js';
import { languageOf } from '../speech/text.language.js';
import { type Area, clearArea, placeIn, pointsToPixels } from './style/text.area.js';
import { SLIDE_DROP, statesOf, type TextState } from './style/text.motion.js';
import { insetOf, reachOf, TEXT_STYLES, type TextStyle } from './style/text.styles.js';

export interface TextInput {
  readonly overlay: OverlayText;
  readonly profile: EncodeProfile;
  /** Length of the scene. */
  readonly frames: number;
  /** Font files of the operator's brand, which are tried first. */
  readonly fontFiles: readonly string[];
}

/** A text that is laid out and has its place in the frame. */
export interface PlacedText {
  readonly painting: BlockPainting;
  /** The block's upper left corner, px. */
  readonly left: number;
  readonly top: number;
  /** Everything that is drawn at any time, px. */
  readonly canvas: Area;
  readonly states: readonly TextState[];
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const evenDown = (value: number): number => Math.floor(value / 2) * 2;
const evenUp = (value: number): number => Math.ceil(value / 2) * 2;

/** The style of an overlay: its look, with what the overlay changes. */
export function styleOf({ look = 'classic', align, shadow: hasShadow }: OverlayText): TextStyle {
  const { shadow, ...plain } = TEXT_STYLES[look];
  return {
    ...plain,
    ...(hasShadow && shadow !== undefined ? { shadow } : {}),
    ...(align === undefined ? {} : { align }),
  };
}

/** Lays a text out and finds its place. Undefined: it has no visible character. Throws `TEXT_UNDRAWABLE`. */
export function placeText(
  skia: Skia,
  { overlay, profile, frames, fontFiles }: TextInput,
  style: TextStyle,
): PlacedText | undefined {
  const language = languageOf(overlay.text) ?? 'en';
  const chooser = chooseFonts(
    [...fontFiles.map(brandFont), ...bundledFonts(style.typeface, style.weight, language)],
    emojiFonts(),
  );
  const measure = openMeasure(skia, style.weight);
  const area = clearArea(profile);
  const size = pointsToPixels(overlay.fontSizePt, profile);
  const over = insetOf(style);
  const { animation, exit = 'none' } = overlay;
  const drop = animation === 'slide' || exit === 'slide' ? SLIDE_DROP : 0;
  const box = {
    width: Math.max(16, area.width - 2 * over.x * size),
    height: Math.max(16, area.height - (2 * over.y + drop) * size),
  };
  const upper = overlay.text.toLocaleUpperCase(language);
  // Some scripts have capitals that few fonts have.
  const text = style.uppercase && undrawableIn(upper).length === 0 ? upper : overlay.text;
  const options = { size, box, align: style.align, lineHeight: style.lineHeight, language };
  requireFonts(text, chooser);
  const block = layOut(text, options, { fontFor: (one) => chooser.fontFor(one), measure });
  if (block.lines.length === 0) return undefined;
  const outer = {
    width: block.width + 2 * over.x * block.size,
    height: block.height + (2 * over.y + drop) * block.size,
  };
  const place = placeIn(area, outer, profile.width, overlay.position, style.align);
  const left = place.left + (outer.width - block.width) / 2;
  const top = place.top + (outer.height - block.height - drop * block.size) / 2;
  const bar = { left: area.left - left, right: area.left + area.width - left };
  const motion = { entrance: animation, exit, highlights: style.highlight !== undefined };
  const reach = reachOf(style);
  const isBar = style.backing?.kind === 'bar';
  const drawn: Area = {
    left: Math.min(left - reach.x * block.size, isBar ? area.left : Infinity),
    top: top - reach.y * block.size,
    width: Math.max(block.width + 2 * reach.x * block.size, isBar ? area.width : 0),
    height: block.height + (2 * reach.y + drop) * block.size,
  };
  return {
    painting: { block, style, color: overlay.color, bar },
    left,
    top,
    canvas: evenArea(drawn, profile),
    states: statesOf(motion, block.words, frames, profile.fps),
  };
}

/** Throws `TEXT_UNDRAWABLE` with the first characters that no font has. */
function requireFonts(text: string, chooser: FontChooser): void {
  const missing = Array.from(graphemes.segment(text.normalize('NFC')))
    .map(({ segment }) => segment)
    .filter((grapheme) => /\S/u.test(grapheme) && chooser.fontFor(grapheme) === undefined);
  if (missing.length === 0) return;
  const codes = Array.from(
    missing[0] ?? '',
    (one) => `U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
  throw new ClipmeshError('TEXT_UNDRAWABLE', `no font can draw ${codes.join(' ')}`);
}

/** The smallest area with even edges around another one, within the frame: chroma has half the resolution of luma. */
function evenArea(area: Area, { width, height }: EncodeProfile): Area {
  const [left, top] = [Math.max(0, evenDown(area.left)), Math.max(0, evenDown(area.top))];
  return {
    left,
    top,
    width: Math.min(width, evenUp(area.left + area.width)) - left,
    height: Math.min(height, evenUp(area.top + area.height)) - top,
  };
}
