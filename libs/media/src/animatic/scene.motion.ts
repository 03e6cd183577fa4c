import { type AnimaticScene, type Move } from './scene.reader.js';

/** How far a layer goes while the scene runs, shares of the frame, from its middle. */
interface Drift {
  readonly x: number;
  readonly y: number;
}
interface Motion {
  /** Zoom at the begin and at the end. */
  readonly zoom: readonly [number, number];
  readonly ground: Drift;
  readonly middle: Drift;
  readonly product: Drift;
  /** Shake of the camera, share of the frame. */
  readonly shake: number;
}

const still: Drift = { x: 0, y: 0 };
const MOTIONS: Readonly<Record<Move, Motion>> = {
  'push-in': { zoom: [1.0, 1.16], ground: still, middle: { x: 0, y: 0.02 }, product: { x: 0, y: -0.015 }, shake: 0 },
  'pull-back': { zoom: [1.18, 1.0], ground: still, middle: { x: 0, y: -0.02 }, product: { x: 0, y: 0.015 }, shake: 0 },
  pan: {
    zoom: [1.06, 1.06],
    ground: { x: -0.07, y: 0 },
    middle: { x: -0.12, y: 0 },
    product: { x: -0.1, y: 0 },
    shake: 0,
  },
  tracking: {
    zoom: [1.02, 1.08],
    ground: { x: -0.1, y: 0 },
    middle: { x: -0.2, y: 0 },
    product: { x: 0.02, y: 0 },
    shake: 0.002,
  },
  orbit: {
    zoom: [1.04, 1.1],
    ground: { x: 0.08, y: 0 },
    middle: { x: 0.14, y: 0 },
    product: { x: -0.04, y: 0 },
    shake: 0,
  },
  tilt: {
    zoom: [1.06, 1.06],
    ground: { x: 0, y: 0.07 },
    middle: { x: 0, y: 0.12 },
    product: { x: 0, y: 0.1 },
    shake: 0,
  },
  handheld: {
    zoom: [1.06, 1.1],
    ground: { x: -0.02, y: 0 },
    middle: { x: -0.03, y: 0 },
    product: { x: -0.02, y: 0 },
    shake: 0.008,
  },
  static: { zoom: [1.02, 1.05], ground: still, middle: { x: -0.01, y: 0 }, product: still, shake: 0 },
};

/** A layer's margin on each side, share of the frame: no layer that fills the frame moves farther. */
export const MARGIN = 0.12;
/** A layer that does not fill the frame may leave it. */
const FAST = 1.4;

/** Expressions of ffmpeg for the place of every layer, from the time `t`. */
export interface MotionExpressions {
  /** Offset of the layer's middle from the frame's middle, px. */
  readonly offset: (layer: 'ground' | 'middle' | 'product', axis: 'x' | 'y', size: number) => string;
  /** Scale of the picture, 1 and more. */
  readonly zoom: string;
}

const fixed = (value: number): string => value.toFixed(5);

/** The camera move of a scene as expressions. Moves begin and end softly. */
export function motionOf({ move, isFast, seed }: AnimaticScene, durationSeconds: number): MotionExpressions {
  const motion = MOTIONS[move];
  const way = seed % 2 === 0 ? 1 : -1;
  const pace = isFast ? FAST : 1;
  // From -0.5 to 0.5 with a soft begin and end.
  const progress = `(-0.5*cos(PI*min(t/${fixed(durationSeconds)},1)))`;
  const [from, to] = motion.zoom;
  const limit = MARGIN - 0.012;
  return {
    offset: (layer, axis, size) => {
      const drift = motion[layer];
      const span = 2 * drift[axis] * pace * (axis === 'x' ? way : 1);
      const bounded = layer === 'product' ? span : Math.max(-2 * limit, Math.min(2 * limit, span));
      const frequency = axis === 'x' ? 5.1 : 6.3;
      const shake =
        motion.shake === 0
          ? ''
          : `+${fixed(motion.shake * size)}*(sin(${frequency}*t)+0.6*sin(${frequency * 2.3}*t+1))`;
      return `(${fixed(bounded * size)}*${progress}${shake})`;
    },
    zoom: `max(1,${fixed((from + to) / 2)}+${fixed((to - from) * pace)}*${progress})`,
  };
}
