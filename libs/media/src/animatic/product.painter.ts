import { luma, mix } from './colour.rules.js';
import { type Context, rounded } from './canvas.tools.js';
import { type Label, SHAPES } from './product.shapes.js';
import { type AnimaticScene } from './scene.reader.js';

/** The width of the product, in units of its height. */
export const productWidth = ({ form }: AnimaticScene): number => SHAPES[form].width;

/** Draws the product with its name, `height` px high, around the origin. `families`: the fonts of its name. */
export function paintProduct(context: Context, scene: AnimaticScene, height: number, families: string): void {
  const { base, accent, light, isDark, isMissing, form } = scene;
  const shape = SHAPES[form];
  const body = isDark ? mix(base, light, 0.55) : luma(base) > 0.72 ? mix(base, accent, 0.55) : base;
  context.save();
  context.scale(height, height);
  context.fillStyle = 'rgba(0,0,0,0.28)';
  context.beginPath();
  context.ellipse(0.03, 0.5, shape.width * 0.56, 0.06, 0, 0, 2 * Math.PI);
  context.fill();
  if (isMissing) {
    // What is not there is an empty, dashed outline.
    context.globalAlpha = 0.42;
    shape.draw(context, body, accent);
    context.globalAlpha = 1;
    context.setLineDash([0.05, 0.04]);
    context.strokeStyle = 'rgba(255,255,255,0.85)';
    context.lineWidth = 0.014;
    rounded(context, -shape.width / 2 - 0.05, -0.55, shape.width + 0.1, 1.1, 0.06);
    context.stroke();
  } else shape.draw(context, body, accent);
  context.restore();
  if (!isMissing) paintName(context, scene.name, shape.label, height, families);
}

function paintName(context: Context, name: string, label: Label, height: number, families: string): void {
  const room = { width: label.width * height * 0.94, height: label.height * height * 0.7 };
  context.font = `100px ${families}`;
  const size = Math.min(room.height, (100 * room.width) / Math.max(1, context.measureText(name).width));
  if (size < 5) return;
  context.font = `${size}px ${families}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = size * 0.2;
  context.strokeStyle = 'rgba(20,18,24,0.7)';
  context.strokeText(name, 0, label.y * height);
  context.fillStyle = '#ffffff';
  context.fillText(name, 0, label.y * height);
}
