import { css, darker, lighter, mix, type Rgb } from './colour.rules.js';
import { type Context, disc, rounded, verticalFill } from './canvas.tools.js';

const SKINS: readonly Rgb[] = [
  [236, 194, 164],
  [198, 146, 110],
  [140, 94, 66],
  [92, 62, 46],
];

/** A person from the waist up, `height` px high, with the feet of the drawing at (x, y). */
export function paintPerson(context: Context, x: number, y: number, height: number, cloth: Rgb, turn: number): void {
  const skin = SKINS[Math.floor(turn * SKINS.length) % SKINS.length] ?? [198, 146, 110];
  context.save();
  context.translate(x, y);
  context.scale(height, height);
  context.fillStyle = verticalFill(context, -0.7, 0, [lighter(cloth, 0.12), darker(cloth, 0.3)]);
  context.beginPath();
  context.moveTo(-0.36, 0);
  context.bezierCurveTo(-0.36, -0.42, -0.3, -0.56, -0.1, -0.6);
  context.lineTo(0.1, -0.6);
  context.bezierCurveTo(0.3, -0.56, 0.36, -0.42, 0.36, 0);
  context.fill();
  context.fillStyle = css(darker(skin, 0.15));
  rounded(context, -0.06, -0.66, 0.12, 0.12, 0.05);
  context.fill();
  context.fillStyle = css(skin);
  context.beginPath();
  context.ellipse(0, -0.8, 0.125, 0.16, 0, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = css(darker(mix(skin, [40, 26, 20], 0.75), 0.2));
  context.beginPath();
  context.ellipse(0, -0.88, 0.145, 0.12, 0, Math.PI, 2 * Math.PI);
  context.fill();
  context.beginPath();
  context.ellipse(turn > 0.5 ? 0.07 : -0.07, -0.86, 0.12, 0.07, turn > 0.5 ? 0.5 : -0.5, 0, 2 * Math.PI);
  context.fill();
  context.restore();
}

/** The back of a head and a shoulder near the camera. */
export function paintShoulder(context: Context, x: number, y: number, height: number, cloth: Rgb): void {
  const dark = darker(cloth, 0.72);
  context.fillStyle = css(dark);
  context.beginPath();
  context.ellipse(x, y, height * 0.62, height * 0.5, 0, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = css(darker(dark, 0.3));
  disc(context, x, y - height * 0.62, height * 0.27);
}

/** An arm that reaches in from below. (x, y) is the hand. */
export function paintHand(context: Context, x: number, y: number, reach: number, cloth: Rgb, turn: number): void {
  const skin = SKINS[Math.floor(turn * SKINS.length) % SKINS.length] ?? [198, 146, 110];
  context.save();
  context.translate(x, y);
  context.rotate(-0.5);
  context.fillStyle = css(darker(cloth, 0.2));
  rounded(context, -reach * 0.17, reach * 0.42, reach * 0.34, reach * 1.4, reach * 0.1);
  context.fill();
  context.fillStyle = css(darker(skin, 0.08));
  rounded(context, -reach * 0.12, reach * 0.08, reach * 0.24, reach * 0.44, reach * 0.1);
  context.fill();
  context.fillStyle = css(skin);
  for (const finger of [0, 1, 2, 3]) {
    rounded(
      context,
      -reach * 0.16 + finger * reach * 0.085,
      -reach * 0.16 + Math.abs(finger - 1.4) * reach * 0.04,
      reach * 0.075,
      reach * 0.36,
      reach * 0.037,
    );
    context.fill();
  }
  context.restore();
}
