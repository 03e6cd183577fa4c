import { type FileHandle, open } from 'node:fs/promises';
import { ClipmeshError, type EncodeProfile, type OverlayText } from '@clipmesh/contracts';
import { BlockPainter, type BlockPainting, type WordLook } from './drawing/block.painter.js';
import { loadCanvas, openMeasure } from './drawing/canvas.fonts.js';
import { brandFont, bundledFonts, emojiFonts } from './fonts/font.catalog.js';
import { chooseFonts, coverageOf, type FontChooser } from './fonts/font.chooser.js';
import { layOut } from './layout/text.layout.js';
import { languageOf } from '../speech/text.language.js';
import { type Area, clearArea, placeIn, pointsToPixels } from './style/text.area.js';
import { SLIDE_DROP, statesOf, type TextState } from './style/text.motion.js';
import { CLASSIC, insetOf, reachOf, type TextStyle } from './style/text.styles.js';

/** Pictures of a text as raw RGBA in one file, each shown from its frame until the next one. */
export interface TextLayer {
  readonly file: string;
  /** Place and size in the frame, px, even. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** The frame from which each picture is shown, ascending. */
  readonly frames: readonly number[];
}

export interface TextLayerInput {
  readonly overlay: OverlayText;
  readonly profile: EncodeProfile;
  /** Length of the scene. */
  readonly frames: number;
  /** Font files of the operator's brand, which are tried first. */
  readonly fontFiles: readonly string[];
  readonly file: string;
}

/** A text that is laid out and has its place in the frame. */
interface PlacedText {
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

/** The style of an overlay. */
function styleOf(overlay: OverlayText): TextStyle {
  const { shadow, ...plain } = CLASSIC;
  return overlay.shadow && shadow !== undefined ? { ...plain, shadow } : plain;
}

async function placeText({ overlay, profile, frames, fontFiles }: TextLayerInput): Promise<PlacedText | undefined> {
  const skia = await loadCanvas();
  const style = styleOf(overlay);
  const language = languageOf(overlay.text) ?? 'en';
  const chooser = chooseFonts(
    [...fontFiles.map(brandFont), ...bundledFonts(style.typeface, style.weight, language)],
    emojiFonts(),
  );
  const measure = openMeasure(skia, style.weight);
  const area = clearArea(profile);
  const size = pointsToPixels(overlay.fontSizePt, profile);
  const over = insetOf(style);
  const drop = overlay.animation === 'slide' ? SLIDE_DROP : 0;
  const box = {
    width: Math.max(16, area.width - 2 * over.x * size),
    height: Math.max(16, area.height - (2 * over.y + drop) * size),
  };
  const text = style.uppercase ? overlay.text.toLocaleUpperCase(language) : overlay.text;
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
  const motion = { entrance: overlay.animation, exit: 'none', highlights: style.highlight !== undefined } as const;
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

/** How the words of a state look. */
function wordLook({ words }: TextState, previous: number, style: Pick<TextStyle, 'highlight'>): WordLook | undefined {
  if (words === undefined) return undefined;
  return (word) => {
    if (word >= words.shown) return { opacity: 0 };
    if (word < previous) return { opacity: 1 };
    const color = words.isHighlighted ? style.highlight : undefined;
    return { opacity: words.newest, ...(color === undefined ? {} : { color }) };
  };
}

/** Draws the pictures of a text one after the other into a file. */
async function paintText({ painting, left, top, canvas, states }: PlacedText, output: FileHandle): Promise<void> {
  const { createCanvas } = await loadCanvas();
  const painter = new BlockPainter(await loadCanvas(), painting);
  const { block, style } = painting;
  const paper = (look?: WordLook) => {
    const sheet = createCanvas(canvas.width, canvas.height);
    const context = sheet.getContext('2d');
    context.translate(left - canvas.left, top - canvas.top);
    painter.draw(context, look);
    return sheet;
  };
  const whole = paper();
  const sheet = createCanvas(canvas.width, canvas.height);
  const context = sheet.getContext('2d');
  const middle = { x: left - canvas.left + block.width / 2, y: top - canvas.top + block.height / 2 };
  let [shown, previous] = [0, 0];
  for (const state of states) {
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (state.words !== undefined && state.words.shown !== shown) [previous, shown] = [shown, state.words.shown];
    const look = wordLook(state, previous, style);
    context.save();
    context.globalAlpha = state.opacity;
    context.translate(middle.x, middle.y + state.drop * block.size);
    context.scale(state.scale, state.scale);
    context.drawImage(look === undefined ? whole : paper(look), -middle.x, -middle.y);
    context.restore();
    // Not premultiplied, as ffmpeg reads RGBA.
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    await output.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
}

/** Lays out a text, and draws its pictures. Undefined: the text has no visible character. */
export async function drawTextLayer(input: TextLayerInput): Promise<TextLayer | undefined> {
  const placed = await placeText(input);
  if (placed === undefined) return undefined;
  const output = await open(input.file, 'w');
  try {
    await paintText(placed, output);
  } finally {
    await output.close();
  }
  return { file: input.file, ...placed.canvas, frames: placed.states.map(({ frame }) => frame) };
}

/** Reads the brand's fonts. Throws an `Error` that names a font file that cannot be used. */
export function checkFonts(files: readonly string[]): void {
  for (const file of files) {
    try {
      coverageOf({ path: file });
    } catch (cause) {
      throw new Error(`The font ${file} cannot be read; set OVERLAY_FONT_FILE to TrueType or OpenType fonts.`, {
        cause,
      });
    }
  }
}
