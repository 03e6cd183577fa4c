import { type FileHandle, open } from 'node:fs/promises';
import { BlockPainter, type WordLook } from './drawing/block.painter.js';
import { type CanvasContext, loadCanvas, type Skia } from './drawing/canvas.fonts.js';
import { coverageOf } from './fonts/font.chooser.js';
import {
  edgeIn,
  edgeOf,
  measuredContrast,
  neededContrast,
  SMALL_TEXT_CONTRAST,
  type Pixels,
  strongerStyles,
} from './contrast/contrast.rules.js';
import { type Area, clearArea } from './style/text.area.js';
import { type TextState } from './style/text.motion.js';
import { type TextStyle } from './style/text.styles.js';
import { type PlacedText, placeText, styleOf, type TextInput } from './text.place.js';

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
async function paintText(
  skia: Skia,
  { painting, left, top, canvas, states }: PlacedText,
  output: FileHandle,
): Promise<void> {
  const { createCanvas } = skia;
  const painter = new BlockPainter(skia, painting);
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

/** Reads pictures of an area of the scene, RGB, before any text is on them. */
export type ReadGround = (area: Area) => Promise<readonly Uint8Array[]>;

/** The text in the first style that has enough contrast on the ground of its scene. */
async function readableText(skia: Skia, input: TextInput, readGround: ReadGround): Promise<PlacedText | undefined> {
  const { overlay, profile } = input;
  const area = clearArea(profile);
  let grounds: readonly Uint8Array[] | undefined;
  let placed: PlacedText | undefined;
  const styles = strongerStyles(styleOf(overlay), overlay.color);
  for (const style of styles) {
    placed = placeText(skia, input, style);
    if (placed === undefined) return undefined;
    const { canvas, left, top, painting } = placed;
    const painter = new BlockPainter(skia, painting);
    const drawn = (draw: (context: CanvasContext) => void): Pixels => {
      const context = skia.createCanvas(canvas.width, canvas.height).getContext('2d');
      context.translate(left - canvas.left, top - canvas.top);
      draw(context);
      return context.getImageData(0, 0, canvas.width, canvas.height);
    };
    const beside = edgeOf(
      drawn((context) => {
        painter.drawLetters(context);
      }),
    );
    const behind = drawn((context) => {
      painter.drawBehind(context);
    });
    // A background that is added anyway is made strong enough for small text.
    const isOwn = placed.painting.style === styles[0];
    const needed = isOwn ? neededContrast(painting.block.size, style.weight, profile) : SMALL_TEXT_CONTRAST;
    grounds ??= await readGround(area);
    if (measuredContrast(overlay.color, edgeIn(beside, canvas, area), behind, grounds) >= needed) break;
  }
  return placed;
}

/** Lays out a text, and draws its pictures into `file`. Undefined: it has no visible character. Throws `TEXT_UNDRAWABLE`. */
export async function drawTextLayer(
  input: TextInput,
  readGround: ReadGround,
  file: string,
): Promise<TextLayer | undefined> {
  const skia = await loadCanvas();
  const placed = await readableText(skia, input, readGround);
  if (placed === undefined) return undefined;
  const output = await open(file, 'w');
  try {
    await paintText(skia, placed, output);
  } finally {
    await output.close();
  }
  return { file, ...placed.canvas, frames: placed.states.map(({ frame }) => frame) };
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
