import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { coloursIn } from './colour.rules.js';
import { MARGIN, motionOf } from './scene.motion.js';
import { type AnimaticScene, MOVES, readScene, slateOf } from './scene.reader.js';

const STYLE =
  'Style: warm lifestyle photography. Color palette: espresso brown, caramel, cream. Lighting: soft. Composition: centred. Mood: cosy. No text, captions or logos in the picture.';
const sceneOf = (shot: string, subject = 'A smart coffee machine called Brewly', style = STYLE): AnimaticScene =>
  readScene(`${shot}. Subject: ${subject}. ${style}`, 7);

describe('the scene of an animatic', () => {
  it.each<[string, Partial<AnimaticScene>]>([
    ['Close-up, orbit: a detail', { framing: 'close-up', move: 'orbit' }],
    ['Macro shot, slow pan: the material', { framing: 'macro', move: 'pan', isFast: false }],
    ['Wide shot, fast push-in: a first look', { framing: 'wide', move: 'push-in', isFast: true }],
    ['Hero shot, slow pull-back: on a clean background', { framing: 'hero', move: 'pull-back', setting: 'studio' }],
    ['Top-down shot, static: on a table', { framing: 'top-down', move: 'static', setting: 'room' }],
    ['Low-angle shot, tilt up: it rises', { framing: 'low-angle', move: 'tilt' }],
    ['Over-the-shoulder shot, handheld: friends', { framing: 'over-the-shoulder', move: 'handheld', people: 2 }],
    ['Medium shot, tracking shot: a person on a trail', { framing: 'medium', people: 1, setting: 'outdoors' }],
    ['Close-up, static: the day without it', { isMissing: true }],
    ['Close-up, static: a hand takes it', { hasHand: true, isMissing: false }],
  ])('reads %j', (shot, expected) => {
    expect(sceneOf(shot)).toMatchObject(expected);
  });

  it.each([
    ['A smart coffee machine called Brewly', 'Brewly', 'cup'],
    ['TaskFlow is an app for teams', 'TaskFlow', 'phone'],
    ['Luxury perfume "Noir": black amber', 'Noir', 'bottle'],
    ['An electric SUV with 600 km range', 'Electric SUV', 'car'],
    ['A notebook', 'Notebook', 'box'],
  ])('draws %j with its name', (subject, name, form) => {
    expect(sceneOf('Close-up, pan: it', subject)).toMatchObject({ name, form });
  });

  it('takes its colours from the palette', () => {
    expect(coloursIn('espresso brown, caramel, cream')).toEqual([
      [74, 44, 32],
      [196, 132, 76],
      [248, 236, 212],
    ]);
    expect(sceneOf('Close-up, pan: it')).toMatchObject({ base: [74, 44, 32], light: [248, 236, 212], isDark: false });
    expect(sceneOf('Close-up, pan: it', 'A lamp', 'Color palette: black, gold. Mood: mysterious')).toMatchObject({
      isDark: true,
    });
  });

  it('has a slate with the shot', () => {
    expect(slateOf(sceneOf('Close-up, slow push-in: it'))).toBe('CLOSE UP  ·  PUSH IN');
    expect(slateOf(sceneOf('Close-up, slow push-in: it'), true)).toBe('DRAFT  ·  CLOSE UP  ·  PUSH IN');
  });

  it('can be read from any prompt', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(), (label, seed) => {
        const scene = readScene(label, seed);
        expect(scene.name.length).toBeLessThanOrEqual(24);
        expect(readScene(label, seed)).toEqual(scene);
      }),
    );
  });
});

describe('the camera move', () => {
  /** The value of an expression of ffmpeg at a time. */
  const valueAt = (expression: string, t: number): number => {
    const names = { t, PI: Math.PI, cos: Math.cos, sin: Math.sin, min: Math.min, max: Math.max };
    return Number(runInNewContext(expression, names));
  };

  it.each(MOVES)('%s never shows the edge of a layer that fills the frame', (move) => {
    for (const isFast of [true, false]) {
      for (const seed of [0, 1]) {
        const motion = motionOf({ ...sceneOf('Close-up, pan: it'), move, isFast, seed }, 5);
        for (let t = 0; t <= 5; t += 0.25) {
          expect(valueAt(motion.zoom, t)).toBeGreaterThanOrEqual(1);
          for (const axis of ['x', 'y'] as const)
            for (const layer of ['ground', 'middle'] as const)
              expect(Math.abs(valueAt(motion.offset(layer, axis, 1000), t))).toBeLessThanOrEqual(1000 * MARGIN);
        }
      }
    }
  });

  it('moves the picture', () => {
    const still = MOVES.filter((move) => {
      const motion = motionOf({ ...sceneOf('Close-up, pan: it'), move }, 5);
      const places = [0, 5].map(
        (t) =>
          valueAt(motion.offset('ground', 'x', 1000), t) +
          valueAt(motion.offset('ground', 'y', 1000), t) +
          valueAt(motion.zoom, t),
      );
      return Math.abs((places[0] ?? 0) - (places[1] ?? 0)) < 0.001;
    });
    expect(still).toEqual([]);
  });
});
