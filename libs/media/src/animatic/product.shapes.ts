import { css, darker, lighter, mix, type Rgb } from './colour.rules.js';
import { type Context, disc, glow, rounded, sideFill } from './canvas.tools.js';
import { type Form } from './scene.reader.js';

/** A product's place for its name, in units of its height around its middle. */
export interface Label {
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
interface Shape {
  /** Width in units of the height. */
  readonly width: number;
  readonly label: Label;
  /** Fills and strokes the product in a box of height 1 around the origin. */
  readonly draw: (context: Context, body: Rgb, accent: Rgb) => void;
}

const bodyFill = (context: Context, body: Rgb, half: number): void => {
  context.fillStyle = sideFill(context, -half, half, [lighter(body, 0.28), body, darker(body, 0.4)]);
};
const shine = (context: Context, x: number, y: number, width: number, height: number): void => {
  context.fillStyle = 'rgba(255,255,255,0.28)';
  rounded(context, x, y, width, height, width / 2);
  context.fill();
};

export const SHAPES: Readonly<Record<Form, Shape>> = {
  box: {
    width: 0.8,
    label: { y: 0.1, width: 0.62, height: 0.2 },
    draw: (context, body, accent) => {
      bodyFill(context, body, 0.42);
      rounded(context, -0.4, -0.36, 0.8, 0.86, 0.04);
      context.fill();
      context.fillStyle = css(lighter(body, 0.35));
      context.beginPath();
      context.moveTo(-0.4, -0.34);
      context.lineTo(-0.3, -0.5);
      context.lineTo(0.36, -0.5);
      context.lineTo(0.4, -0.34);
      context.fill();
      context.fillStyle = css(accent);
      context.fillRect(-0.4, -0.18, 0.8, 0.09);
      shine(context, -0.34, -0.02, 0.04, 0.44);
    },
  },
  bottle: {
    width: 0.42,
    label: { y: 0.16, width: 0.34, height: 0.16 },
    draw: (context, body, accent) => {
      context.fillStyle = css(darker(accent, 0.15));
      rounded(context, -0.075, -0.5, 0.15, 0.13, 0.02);
      context.fill();
      bodyFill(context, body, 0.2);
      context.beginPath();
      context.moveTo(-0.07, -0.38);
      context.lineTo(0.07, -0.38);
      context.bezierCurveTo(0.08, -0.26, 0.2, -0.26, 0.2, -0.12);
      context.lineTo(0.2, 0.45);
      context.quadraticCurveTo(0.2, 0.5, 0.15, 0.5);
      context.lineTo(-0.15, 0.5);
      context.quadraticCurveTo(-0.2, 0.5, -0.2, 0.45);
      context.lineTo(-0.2, -0.12);
      context.bezierCurveTo(-0.2, -0.26, -0.08, -0.26, -0.07, -0.38);
      context.fill();
      context.fillStyle = css(accent);
      context.fillRect(-0.2, 0.02, 0.4, 0.28);
      shine(context, -0.16, -0.12, 0.03, 0.54);
    },
  },
  cup: {
    width: 1,
    label: { y: 0.14, width: 0.5, height: 0.18 },
    draw: (context, body, accent) => {
      context.strokeStyle = css(darker(body, 0.15));
      context.lineWidth = 0.07;
      context.beginPath();
      context.ellipse(0.34, 0.06, 0.16, 0.18, 0, 0, 2 * Math.PI);
      context.stroke();
      bodyFill(context, body, 0.36);
      context.beginPath();
      context.moveTo(-0.36, -0.24);
      context.lineTo(0.36, -0.24);
      context.bezierCurveTo(0.36, 0.2, 0.28, 0.42, 0.16, 0.44);
      context.lineTo(-0.16, 0.44);
      context.bezierCurveTo(-0.28, 0.42, -0.36, 0.2, -0.36, -0.24);
      context.fill();
      context.fillStyle = css(lighter(body, 0.4));
      context.beginPath();
      context.ellipse(0, -0.24, 0.36, 0.09, 0, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = css(darker(mix(accent, [80, 44, 24], 0.6), 0.2));
      context.beginPath();
      context.ellipse(0, -0.23, 0.31, 0.065, 0, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = css(accent);
      context.beginPath();
      context.ellipse(0, 0.47, 0.46, 0.05, 0, 0, 2 * Math.PI);
      context.fill();
      shine(context, -0.29, -0.12, 0.04, 0.34);
    },
  },
  phone: {
    width: 0.54,
    label: { y: -0.2, width: 0.36, height: 0.1 },
    draw: (context, body, accent) => {
      context.fillStyle = css(darker(body, 0.75));
      rounded(context, -0.26, -0.5, 0.52, 1, 0.07);
      context.fill();
      context.fillStyle = sideFill(context, -0.24, 0.24, [lighter(body, 0.25), mix(body, accent, 0.35)]);
      rounded(context, -0.235, -0.475, 0.47, 0.95, 0.05);
      context.fill();
      context.fillStyle = css(darker(body, 0.5));
      rounded(context, -0.2, -0.28, 0.4, 0.17, 0.03);
      context.fill();
      for (const [row, share] of [0.3, 0.24, 0.32].entries()) {
        context.fillStyle = 'rgba(255,255,255,0.85)';
        rounded(context, -0.2, -0.05 + row * 0.12, 0.08, 0.08, 0.02);
        context.fill();
        context.fillStyle = 'rgba(255,255,255,0.5)';
        rounded(context, -0.09, -0.03 + row * 0.12, share, 0.035, 0.015);
        context.fill();
      }
      context.fillStyle = css(accent);
      rounded(context, -0.2, 0.33, 0.4, 0.09, 0.045);
      context.fill();
    },
  },
  lamp: {
    width: 0.8,
    label: { y: 0.44, width: 0.5, height: 0.09 },
    draw: (context, body, accent) => {
      glow(context, 0, -0.1, 0.62, lighter(accent, 0.4), 0.75);
      context.fillStyle = css(darker(body, 0.45));
      context.fillRect(-0.02, -0.08, 0.04, 0.46);
      rounded(context, -0.28, 0.37, 0.56, 0.13, 0.03);
      context.fill();
      context.fillStyle = sideFill(context, -0.36, 0.36, [lighter(accent, 0.55), lighter(accent, 0.2), accent]);
      context.beginPath();
      context.moveTo(-0.2, -0.5);
      context.lineTo(0.2, -0.5);
      context.lineTo(0.36, -0.06);
      context.lineTo(-0.36, -0.06);
      context.fill();
    },
  },
  plant: {
    width: 0.8,
    label: { y: 0.3, width: 0.36, height: 0.12 },
    draw: (context, body, accent) => {
      const leaf = mix(body, [70, 140, 70], 0.6);
      for (const [index, turn] of [-1.0, -0.6, -0.25, 0.1, 0.45, 0.8, 1.1].entries()) {
        context.save();
        context.translate(0, 0.14);
        context.rotate(turn);
        context.fillStyle = css(index % 2 === 0 ? leaf : lighter(leaf, 0.2));
        context.beginPath();
        context.ellipse(0, -0.34, 0.075, 0.3, 0, 0, 2 * Math.PI);
        context.fill();
        context.restore();
      }
      context.fillStyle = sideFill(context, -0.24, 0.24, [lighter(accent, 0.2), accent, darker(accent, 0.35)]);
      context.beginPath();
      context.moveTo(-0.26, 0.12);
      context.lineTo(0.26, 0.12);
      context.lineTo(0.2, 0.5);
      context.lineTo(-0.2, 0.5);
      context.fill();
    },
  },
  shoe: {
    width: 1.7,
    label: { y: 0.1, width: 0.56, height: 0.14 },
    draw: (context, body, accent) => {
      context.fillStyle = css(lighter(accent, 0.75));
      rounded(context, -0.84, 0.3, 1.68, 0.18, 0.09);
      context.fill();
      context.fillStyle = sideFill(context, -0.8, 0.8, [darker(accent, 0.15), accent, lighter(accent, 0.2)]);
      context.beginPath();
      context.moveTo(-0.78, 0.32);
      context.lineTo(-0.8, -0.26);
      context.quadraticCurveTo(-0.72, -0.44, -0.5, -0.36);
      context.quadraticCurveTo(-0.4, -0.2, -0.16, -0.3);
      context.bezierCurveTo(0.1, 0.02, 0.42, 0.02, 0.68, 0.1);
      context.quadraticCurveTo(0.86, 0.16, 0.82, 0.32);
      context.fill();
      context.strokeStyle = css(lighter(body, 0.85));
      context.lineWidth = 0.05;
      context.beginPath();
      for (const lace of [0, 1, 2]) {
        context.moveTo(-0.16 + lace * 0.14, -0.2 + lace * 0.09);
        context.lineTo(-0.04 + lace * 0.14, -0.3 + lace * 0.1);
      }
      context.stroke();
      context.fillStyle = css(body);
      context.beginPath();
      context.moveTo(-0.66, 0.3);
      context.quadraticCurveTo(-0.3, 0.28, 0.1, -0.02);
      context.quadraticCurveTo(-0.2, 0.34, -0.5, 0.32);
      context.fill();
    },
  },
  car: {
    width: 2.1,
    label: { y: 0.12, width: 0.7, height: 0.13 },
    draw: (context, body, accent) => {
      context.fillStyle = sideFill(context, -1, 1, [lighter(accent, 0.2), accent, darker(accent, 0.3)]);
      context.beginPath();
      context.moveTo(-1.02, 0.3);
      context.quadraticCurveTo(-1.06, 0, -0.8, -0.06);
      context.quadraticCurveTo(-0.5, -0.44, -0.1, -0.44);
      context.quadraticCurveTo(0.36, -0.44, 0.56, -0.1);
      context.quadraticCurveTo(1.04, -0.06, 1.02, 0.3);
      context.fill();
      context.fillStyle = css(mix(body, [210, 230, 245], 0.6));
      context.beginPath();
      context.moveTo(-0.62, -0.08);
      context.quadraticCurveTo(-0.42, -0.36, -0.1, -0.36);
      context.quadraticCurveTo(0.28, -0.36, 0.42, -0.08);
      context.fill();
      for (const x of [-0.58, 0.58]) {
        context.fillStyle = '#1b1b20';
        disc(context, x, 0.3, 0.2);
        context.fillStyle = '#c9ccd4';
        disc(context, x, 0.3, 0.1);
      }
      glow(context, 1, 0.06, 0.3, [255, 250, 220], 0.9);
    },
  },
  plate: {
    width: 1.5,
    label: { y: 0.36, width: 0.6, height: 0.14 },
    draw: (context, body, accent) => {
      context.fillStyle = css(lighter(body, 0.85));
      context.beginPath();
      context.ellipse(0, 0.28, 0.74, 0.22, 0, 0, 2 * Math.PI);
      context.fill();
      const layers: readonly (readonly [number, number, Rgb])[] = [
        [0.16, 0.16, [206, 146, 82]],
        [0.06, 0.1, [104, 160, 72]],
        [-0.02, 0.12, darker(accent, 0.25)],
        [-0.1, 0.08, [246, 196, 82]],
      ];
      for (const [y, height, colour] of layers) {
        context.fillStyle = css(colour);
        rounded(context, -0.44, y, 0.88, height, height / 2);
        context.fill();
      }
      context.fillStyle = css([222, 162, 92]);
      context.beginPath();
      context.moveTo(-0.45, -0.06);
      context.bezierCurveTo(-0.45, -0.6, 0.45, -0.6, 0.45, -0.06);
      context.fill();
    },
  },
};
