import { css, darker, greyer, lighter, mix, type Rgb } from './colour.rules.js';
import { type Context, disc, glow, randomOf, verticalFill } from './canvas.tools.js';
import { type AnimaticScene } from './scene.reader.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where the floor begins, share of the height. */
const horizonOf = ({ framing }: AnimaticScene): number =>
  framing === 'low-angle' ? 0.82 : framing === 'wide' ? 0.66 : framing === 'top-down' ? -0.1 : 0.7;

/** The colours of a scene's room: above, at the horizon, and the floor. */
export function toneOf({ base, light, isDark, isMissing }: AnimaticScene): { sky: Rgb; glow: Rgb; floor: Rgb } {
  const tone = isDark
    ? { sky: darker(base, 0.55), glow: mix(base, light, 0.25), floor: darker(base, 0.7) }
    : { sky: mix(base, light, 0.5), glow: lighter(light, 0.35), floor: mix(base, light, 0.25) };
  if (!isMissing) return tone;
  return {
    sky: darker(greyer(tone.sky, 0.5), 0.2),
    glow: greyer(tone.glow, 0.5),
    floor: darker(greyer(tone.floor, 0.5), 0.2),
  };
}

/** The farthest layer, which fills the frame: light, sky or wall, and floor. */
export function paintGround(context: Context, size: Size, scene: AnimaticScene): void {
  const { width, height } = size;
  const tone = toneOf(scene);
  const horizon = height * horizonOf(scene);
  context.fillStyle = verticalFill(context, 0, Math.max(horizon, height * 0.5), [
    tone.sky,
    mix(tone.sky, tone.glow, 0.75),
  ]);
  context.fillRect(0, 0, width, height);
  if (scene.framing === 'top-down') {
    paintTable(context, size, scene);
    return;
  }
  switch (scene.setting) {
    case 'outdoors':
      paintSky(context, size, scene, horizon);
      break;
    case 'city':
      paintSkyline(context, size, scene, horizon, 0.35);
      break;
    case 'room':
      paintWall(context, size, scene, horizon);
      break;
    case 'studio':
      glow(context, width / 2, height * 0.46, Math.max(width, height) * 0.55, tone.glow, 0.9);
      break;
  }
  context.fillStyle = verticalFill(context, horizon, height, [
    mix(tone.floor, tone.glow, 0.25),
    darker(tone.floor, 0.35),
  ]);
  if (scene.setting === 'studio') context.globalAlpha = 0.55;
  context.fillRect(0, horizon, width, height - horizon);
  context.globalAlpha = 1;
}

function paintTable(context: Context, { width, height }: Size, scene: AnimaticScene): void {
  const tone = toneOf(scene);
  const random = randomOf(scene.seed);
  context.fillStyle = css(tone.floor);
  context.fillRect(0, 0, width, height);
  const planks = 6;
  for (let plank = 0; plank < planks; plank += 1) {
    context.fillStyle = css(darker(tone.floor, 0.05 + 0.14 * random()));
    context.fillRect((plank * width) / planks, 0, width / planks - 2, height);
  }
  glow(context, width * 0.3, height * 0.25, Math.max(width, height) * 0.6, tone.glow, 0.55);
}

function paintSky(context: Context, { width, height }: Size, scene: AnimaticScene, horizon: number): void {
  const tone = toneOf(scene);
  const random = randomOf(scene.seed);
  const [x, y] = [width * (0.25 + 0.5 * random()), horizon * (0.35 + 0.3 * random())];
  const radius = Math.min(width, height) * 0.11;
  glow(context, x, y, radius * 5, lighter(tone.glow, 0.4), 0.9);
  context.fillStyle = css(lighter(mix(tone.glow, scene.accent, 0.25), 0.3));
  disc(context, x, y, radius);
  context.fillStyle = css(lighter(tone.glow, 0.5), 0.35);
  for (let cloud = 0; cloud < 4; cloud += 1) {
    const [cx, cy] = [width * random(), horizon * (0.1 + 0.5 * random())];
    const reach = width * (0.08 + 0.1 * random());
    context.beginPath();
    context.ellipse(cx, cy, reach * 1.6, reach * 0.22, 0, 0, 2 * Math.PI);
    context.ellipse(cx + reach * 0.5, cy - reach * 0.12, reach * 0.8, reach * 0.24, 0, 0, 2 * Math.PI);
    context.fill();
  }
  paintHills(context, { width, height }, mix(tone.sky, scene.base, 0.35), horizon, 0.16, random);
}

/** A row of hills before the horizon. */
export function paintHills(
  context: Context,
  { width, height }: Size,
  colour: Rgb,
  horizon: number,
  rise: number,
  random: () => number,
): void {
  context.fillStyle = verticalFill(context, horizon - height * rise, height, [colour, darker(colour, 0.3)]);
  context.beginPath();
  context.moveTo(0, height);
  const peaks = 5;
  let y = horizon - height * rise * (0.3 + 0.6 * random());
  context.lineTo(0, y);
  for (let peak = 1; peak <= peaks; peak += 1) {
    const next = horizon - height * rise * (0.2 + 0.8 * random());
    const x = (width * peak) / peaks;
    context.bezierCurveTo(x - width / peaks / 2, y, x - width / peaks / 2, next, x, next);
    y = next;
  }
  context.lineTo(width, height);
  context.closePath();
  context.fill();
}

/** A row of houses with lit windows. */
export function paintSkyline(
  context: Context,
  { width, height }: Size,
  scene: AnimaticScene,
  horizon: number,
  depth: number,
): void {
  const tone = toneOf(scene);
  const random = randomOf(scene.seed ^ Math.round(depth * 1000));
  const colour = mix(tone.sky, darker(scene.base, 0.6), depth);
  for (let x = -width * 0.02; x < width;) {
    const across = width * (0.07 + 0.09 * random());
    const top = horizon - height * (0.14 + 0.3 * random()) * (1.2 - depth);
    context.fillStyle = css(darker(colour, 0.12 * random()));
    context.fillRect(x, top, across, height - top);
    const unit = width * 0.018;
    for (let wy = top + unit; wy < horizon - unit; wy += unit * 2) {
      for (let wx = x + unit * 0.8; wx < x + across - unit; wx += unit * 1.7) {
        if (random() > 0.42) continue;
        context.fillStyle = css(random() > 0.7 ? scene.accent : lighter(tone.glow, 0.3), 0.5 + 0.4 * random());
        context.fillRect(wx, wy, unit * 0.8, unit);
      }
    }
    x += across + width * 0.008;
  }
}

function paintWall(context: Context, { width, height }: Size, scene: AnimaticScene, horizon: number): void {
  const tone = toneOf(scene);
  const random = randomOf(scene.seed);
  const left = random() > 0.5;
  const [w, h] = [width * 0.36, horizon * 0.46];
  const [x, y] = [left ? width * 0.12 : width * 0.52, horizon * 0.14];
  context.fillStyle = css(lighter(tone.glow, 0.55));
  context.fillRect(x, y, w, h);
  glow(context, x + w / 2, y + h / 2, w * 1.5, lighter(tone.glow, 0.5), 0.7);
  context.strokeStyle = css(mix(tone.sky, scene.base, 0.55));
  context.lineWidth = width * 0.014;
  context.strokeRect(x, y, w, h);
  context.beginPath();
  context.moveTo(x + w / 2, y);
  context.lineTo(x + w / 2, y + h);
  context.moveTo(x, y + h * 0.5);
  context.lineTo(x + w, y + h * 0.5);
  context.stroke();
  // Light of the window on the wall and on the floor.
  context.fillStyle = css(lighter(tone.glow, 0.4), 0.28);
  context.beginPath();
  context.moveTo(x + (left ? w : 0), y + h);
  context.lineTo(x + (left ? w * 2 : -w), height);
  context.lineTo(x + (left ? w * 0.9 : w * 0.1), height);
  context.lineTo(x + (left ? 0 : w), y + h);
  context.fill();
  // A shelf or a picture on the other side.
  const px = left ? width * 0.62 : width * 0.16;
  context.fillStyle = css(mix(tone.sky, scene.accent, 0.6));
  context.fillRect(px, horizon * 0.24, width * 0.2, horizon * 0.2);
  context.fillStyle = css(lighter(tone.glow, 0.3));
  disc(context, px + width * 0.1, horizon * 0.34, width * 0.05);
}
