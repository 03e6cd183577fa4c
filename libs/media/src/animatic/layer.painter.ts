import { type Context, disc, glow, randomOf, rounded, verticalFill } from './canvas.tools.js';
import { type Skia } from '../text/drawing/canvas.fonts.js';
import { familiesOf } from './name.fonts.js';
import { css, darker, lighter, mix } from './colour.rules.js';
import { paintHand, paintPerson, paintShoulder } from './figure.painter.js';
import { paintGround, paintHills, paintSkyline, type Size, toneOf } from './ground.painter.js';
import { paintProduct, productWidth } from './product.painter.js';
import { MARGIN } from './scene.motion.js';
import { type AnimaticScene, type Framing, slateOf } from './scene.reader.js';

/** A picture with transparency. Its middle is `dx`, `dy` px away from the middle of the frame. */
export interface Layer extends Size {
  readonly rgba: Uint8ClampedArray;
  readonly dx: number;
  readonly dy: number;
}

/** Height of the product in the frame, and how far below the middle it stands; shares of the frame's height or short side. */
const FRAMES: Readonly<Record<Framing, { readonly height: number; readonly below: number }>> = {
  macro: { height: 1.05, below: 0.06 },
  'close-up': { height: 0.78, below: 0.05 },
  hero: { height: 0.6, below: 0.06 },
  medium: { height: 0.46, below: 0.1 },
  wide: { height: 0.3, below: 0.16 },
  'top-down': { height: 0.5, below: 0 },
  'over-the-shoulder': { height: 0.42, below: 0.02 },
  'low-angle': { height: 0.86, below: -0.02 },
};

/** In a portrait the text is in the lower half, so the product stands higher. */
const belowOf = ({ framing }: AnimaticScene, { width, height }: Size): number =>
  height > width && framing !== 'top-down' ? Math.min(0, FRAMES[framing].below - 0.13) : FRAMES[framing].below;

function layerOf(
  skia: Skia,
  width: number,
  height: number,
  dx: number,
  dy: number,
  paint: (context: Context) => void,
): Layer {
  const size = { width: Math.max(2, Math.round(width)), height: Math.max(2, Math.round(height)) };
  const context = skia.createCanvas(size.width, size.height).getContext('2d');
  paint(context);
  // Image data has straight alpha, which ffmpeg expects.
  const { data } = context.getImageData(0, 0, size.width, size.height);
  return { ...size, rgba: data, dx: Math.round(dx), dy: Math.round(dy) };
}

/** The layers of a scene for a frame of this size, the farthest first. */
export function paintLayers(
  skia: Skia,
  scene: AnimaticScene,
  frame: Size,
): Record<'ground' | 'middle' | 'product' | 'front', Layer> {
  const short = Math.min(frame.width, frame.height);
  const families = familiesOf(skia, scene.name);
  const wide = { width: frame.width * (1 + 2 * MARGIN), height: frame.height * (1 + 2 * MARGIN) };
  const place = FRAMES[scene.framing];
  const below = belowOf(scene, frame);
  const productHeight = Math.min(
    short * place.height * 1.15,
    frame.height * 0.8,
    (frame.width * 1.15 * place.height) / Math.max(0.55, productWidth(scene)),
  );
  const ground = layerOf(skia, wide.width, wide.height, 0, 0, (context) => {
    paintGround(context, wide, scene);
  });
  const middle = layerOf(skia, wide.width, wide.height, 0, 0, (context) => {
    paintMiddle(context, wide, scene, productHeight);
  });
  const hasPodium = scene.setting === 'studio' && scene.framing !== 'top-down';
  const across = productHeight * (productWidth(scene) + 0.9);
  const above = productHeight * 0.69;
  // A podium goes on to the lower edge of the frame.
  const tall = hasPodium ? above + frame.height * (0.62 - below) : productHeight * 1.5;
  const product = layerOf(skia, across, tall, 0, frame.height * below + tall / 2 - above, (context) => {
    context.translate(across / 2, above);
    if (scene.framing === 'top-down') context.rotate(-0.12);
    if (hasPodium) paintPodium(context, scene, productHeight, tall);
    paintProduct(context, scene, productHeight, families);
    const random = randomOf(scene.seed + 1);
    if (scene.hasHand && !scene.isMissing)
      paintHand(
        context,
        productHeight * productWidth(scene) * 0.5,
        productHeight * 0.12,
        productHeight * 0.42,
        scene.accent,
        random(),
      );
  });
  const front = layerOf(skia, wide.width, wide.height * 0.5, 0, frame.height * 0.3, (context) => {
    paintFront(context, { width: wide.width, height: wide.height * 0.5 }, scene);
  });
  return { ground, middle, product, front };
}

function paintPodium(context: Context, scene: AnimaticScene, height: number, bottom: number): void {
  const tone = toneOf(scene);
  const half = height * Math.max(0.42, productWidth(scene) * 0.62);
  context.fillStyle = verticalFill(context, height * 0.48, bottom, [
    mix(tone.floor, tone.glow, 0.6),
    darker(tone.floor, 0.35),
  ]);
  context.fillRect(-half, height * 0.5, half * 2, bottom);
  context.fillStyle = css(mix(tone.floor, tone.glow, 0.85));
  context.beginPath();
  context.ellipse(0, height * 0.5, half, height * 0.07, 0, 0, 2 * Math.PI);
  context.fill();
}

/** Between the ground and the product: hills, houses, furniture, people. */
function paintMiddle(context: Context, size: Size, scene: AnimaticScene, productHeight: number): void {
  const { width, height } = size;
  const tone = toneOf(scene);
  const random = randomOf(scene.seed + 2);
  const isFlat = scene.framing === 'top-down';
  const floor = height * (0.5 + belowOf(scene, size) / (1 + 2 * MARGIN)) + productHeight * 0.47;
  if (isFlat) {
    context.fillStyle = css(lighter(mix(tone.floor, scene.light, 0.7), 0.2));
    disc(context, width * 0.5, height * 0.5, productHeight * 0.78);
    context.fillStyle = css(mix(scene.accent, tone.floor, 0.3));
    disc(context, width * 0.2, height * 0.24, productHeight * 0.24);
    disc(context, width * 0.82, height * 0.78, productHeight * 0.3);
    return;
  }
  const side = random() > 0.5 ? 1 : -1;
  const tall = Math.min(height * 0.8, width * 1.3);
  const places = scene.people === 2 ? [-1, 1] : scene.people === 1 ? [side] : [];
  const paintPeople = (): void => {
    for (const at of places)
      paintPerson(
        context,
        width / 2 + at * width * 0.27,
        height,
        tall,
        at === side ? scene.accent : mix(scene.base, scene.light, 0.4),
        random(),
      );
  };
  if (scene.setting === 'outdoors') {
    paintHills(context, size, mix(scene.base, tone.floor, 0.45), Math.min(floor, height * 0.8), 0.14, random);
    for (let tree = 0; tree < 7; tree += 1)
      paintTree(
        context,
        width * random(),
        floor - height * 0.02 * random(),
        height * (0.09 + 0.08 * random()),
        darker(scene.base, 0.2),
      );
  } else if (scene.setting === 'city') {
    paintSkyline(context, { width, height: floor }, scene, floor, 0.75);
  } else if (scene.setting === 'room') {
    paintPeople();
    context.fillStyle = verticalFill(context, floor, height, [
      mix(scene.base, tone.floor, 0.25),
      darker(scene.base, 0.35),
    ]);
    context.fillRect(0, floor, width, height - floor);
    context.fillStyle = css(lighter(mix(scene.base, tone.glow, 0.5), 0.1));
    context.fillRect(0, floor - height * 0.012, width, height * 0.016);
  } else {
    context.fillStyle = css(scene.accent, 0.85);
    disc(context, width * (0.42 + 0.16 * random()), height * 0.42, Math.min(width, height) * 0.3);
    context.strokeStyle = css(lighter(tone.glow, 0.4), 0.7);
    context.lineWidth = Math.min(width, height) * 0.012;
    context.beginPath();
    context.arc(width / 2, height * 0.42, Math.min(width, height) * 0.38, 0, 2 * Math.PI);
    context.stroke();
  }
  if (scene.setting !== 'room') paintPeople();
}

function paintTree(
  context: Context,
  x: number,
  y: number,
  height: number,
  colour: readonly [number, number, number],
): void {
  context.fillStyle = css(darker(colour, 0.4));
  context.fillRect(x - height * 0.03, y - height * 0.2, height * 0.06, height * 0.22);
  context.fillStyle = css(colour);
  for (const step of [0, 1, 2]) {
    context.beginPath();
    context.moveTo(x, y - height * (1 - step * 0.02));
    context.lineTo(x + height * (0.16 + step * 0.07), y - height * (0.62 - step * 0.22));
    context.lineTo(x - height * (0.16 + step * 0.07), y - height * (0.62 - step * 0.22));
    context.fill();
  }
}

/** Nearest to the camera: soft spots of light, or a shoulder. */
function paintFront(context: Context, { width, height }: Size, scene: AnimaticScene): void {
  const random = randomOf(scene.seed + 3);
  const tone = toneOf(scene);
  if (scene.framing === 'over-the-shoulder') {
    paintShoulder(
      context,
      width * (random() > 0.5 ? 0.8 : 0.2),
      height * 0.98,
      Math.min(width, height * 1.5) * 0.72,
      scene.accent,
    );
    return;
  }
  for (let spot = 0; spot < 7; spot += 1) {
    const [x, y, radius] = [width * random(), height * (0.25 + 0.7 * random()), width * (0.03 + 0.07 * random())];
    const colour = spot % 2 === 0 ? lighter(tone.glow, 0.4) : lighter(scene.accent, 0.35);
    context.fillStyle = css(colour, 0.16);
    disc(context, x, y, radius);
    glow(context, x, y, radius * 1.25, colour, 0.22);
  }
}

/** The slate: framing and camera move in the upper left corner, and the marks of a view finder. In pixels of the clip. */
export function paintSlate(skia: Skia, scene: AnimaticScene, size: Size & { readonly isDraft?: boolean }): Layer {
  const short = Math.min(size.width, size.height);
  const text = slateOf(scene, size.isDraft);
  const families = familiesOf(skia, text);
  const px = Math.max(6, Math.round(short * 0.026));
  const context = skia.createCanvas(1, 1).getContext('2d');
  context.font = `${px}px ${families}`;
  const width = Math.min(size.width, Math.ceil(context.measureText(text).width) + px * 3);
  const height = px * 2;
  return layerOf(skia, width, height, short * 0.04, short * 0.04, (drawn) => {
    drawn.fillStyle = 'rgba(16,16,20,0.5)';
    rounded(drawn, 0, 0, width, height, height * 0.3);
    drawn.fill();
    drawn.fillStyle = css(scene.isMissing ? [170, 170, 176] : [232, 64, 56]);
    disc(drawn, px * 1.05, height / 2, px * 0.36);
    drawn.font = `${px}px ${families}`;
    drawn.textBaseline = 'middle';
    drawn.fillStyle = 'rgba(255,255,255,0.92)';
    drawn.fillText(text, px * 1.9, height / 2 + px * 0.05);
  });
}
