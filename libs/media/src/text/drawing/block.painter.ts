import { type FontFile } from '../fonts/font.catalog.js';
import { type PlacedLine, type PlacedToken, type TextBlock } from '../layout/text.layout.js';
import { type Backing, type TextStyle } from '../style/text.styles.js';
import { type CanvasContext, setFont, type Skia } from './canvas.fonts.js';

/** Which words are drawn, and how. Undefined: all of them, in the colour of the text. */
export type WordLook = (word: number) => { readonly opacity: number; readonly color?: string };

export interface BlockPainting {
  readonly block: TextBlock<FontFile>;
  readonly style: TextStyle;
  /** `#rrggbb` */
  readonly color: string;
  /** Left and right edge of a `bar`, px within the block. */
  readonly bar: { readonly left: number; readonly right: number };
}

function withOpacity(color: string, opacity: number): string {
  return `${color}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0')}`;
}

/** Draws a text with its style; the block's upper left corner is at the context's origin. */
export class BlockPainter {
  constructor(
    private readonly skia: Skia,
    private readonly painting: BlockPainting,
  ) {}

  /** Draws all that lies behind the letters, then the letters. */
  draw(context: CanvasContext, look?: WordLook): void {
    this.drawBehind(context, look);
    this.drawLetters(context, look);
  }

  /** Draws the backing, the shadow, the glow and the outline. */
  drawBehind(context: CanvasContext, look?: WordLook): void {
    const { style, block, color } = this.painting;
    const { backing, outline, shadow, glow } = style;
    if (backing !== undefined) this.drawBacking(context, backing);
    if (shadow !== undefined) {
      context.save();
      context.shadowColor = withOpacity(shadow.color, shadow.opacity);
      context.shadowBlur = shadow.blur * block.size;
      context.shadowOffsetX = shadow.dx * block.size;
      context.shadowOffsetY = shadow.dy * block.size;
      this.fillTokens(context, color, look);
      context.restore();
    }
    if (glow !== undefined) {
      for (const blur of [glow.blur * 2, glow.blur, glow.blur / 2]) {
        context.save();
        context.shadowColor = color;
        context.shadowBlur = blur * block.size;
        this.fillTokens(context, color, look);
        context.restore();
      }
    }
    if (outline !== undefined) {
      context.save();
      context.strokeStyle = outline.color;
      context.lineWidth = outline.width * 2 * block.size;
      context.lineJoin = 'round';
      this.eachToken(context, look, (token) => {
        if (!token.font.isEmoji) context.strokeText(token.text, token.x, token.y);
      });
      context.restore();
    }
  }

  /** Draws the letters without anything behind them. */
  drawLetters(context: CanvasContext, look?: WordLook): void {
    this.fillTokens(context, this.painting.color, look);
  }

  private fillTokens(context: CanvasContext, color: string, look: WordLook | undefined): void {
    this.eachToken(context, look, (token) => {
      context.fillStyle = look?.(token.word).color ?? color;
      context.fillText(token.text, token.x, token.y);
    });
  }

  private eachToken(
    context: CanvasContext,
    look: WordLook | undefined,
    draw: (token: PlacedToken<FontFile>) => void,
  ): void {
    const { block, style } = this.painting;
    context.save();
    context.textBaseline = 'alphabetic';
    context.textAlign = 'left';
    for (const token of block.lines.flatMap(({ tokens }) => tokens)) {
      context.globalAlpha = look?.(token.word).opacity ?? 1;
      if (context.globalAlpha === 0) continue;
      setFont(context, this.skia, token.font, style.weight, block.size);
      context.direction = token.isRightToLeft ? 'rtl' : 'ltr';
      draw(token);
    }
    context.restore();
  }

  private drawBacking(context: CanvasContext, backing: Backing): void {
    const { block, bar } = this.painting;
    const [x, y] = [backing.padding.x * block.size, backing.padding.y * block.size];
    const boxes =
      backing.kind === 'bar'
        ? [{ left: bar.left, top: -y, width: bar.right - bar.left, height: block.height + 2 * y }]
        : block.lines.map((line) => pill(line, x, y));
    context.save();
    context.fillStyle = withOpacity(backing.color, backing.opacity);
    // One path for all boxes, so that they do not show where they overlap.
    context.beginPath();
    for (const { left, top, width, height } of boxes)
      context.roundRect(left, top, width, height, Math.min(backing.radius * block.size, height / 2));
    context.fill();
    context.restore();
  }
}

const pill = ({ left, top, width, height }: PlacedLine<FontFile>, x: number, y: number) => ({
  left: left - x,
  top: top - y,
  width: width + 2 * x,
  height: height + 2 * y,
});
