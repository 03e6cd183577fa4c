import { blendSchema } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blendCall } from './blend.args.js';
import { segmentList, segmentsOf } from './segments.js';

const profile = { width: 180, height: 320, fps: 24 };

describe('the segments of a video', () => {
  it('are the scenes, each without the frames that its transition replaces, and the transitions', () => {
    const clips = [
      { file: '/0.mov', durationSeconds: 3 },
      { file: '/1.mov', durationSeconds: 4, transition: '/1t.mov' },
      { file: '/2.mov', durationSeconds: 3 },
    ];
    expect(segmentsOf(clips, profile)).toEqual([
      { file: '/0.mov', start: 0, frames: 72 },
      { file: '/1t.mov', start: 0, frames: 12 },
      { file: '/1.mov', start: 12, frames: 84 },
      { file: '/2.mov', start: 0, frames: 72 },
    ]);
  });

  it('have exactly the planned frames, whichever scenes begin with a transition', () => {
    const scene = fc.record({ durationSeconds: fc.integer({ min: 3, max: 7 }), blends: fc.boolean() });
    fc.assert(
      fc.property(fc.array(scene, { minLength: 1, maxLength: 12 }), fc.constantFrom(24, 25, 30, 60), (scenes, fps) => {
        const clips = scenes.map(({ durationSeconds, blends }, index) => ({
          ...{ file: `/${index}.mov`, durationSeconds },
          ...(blends ? { transition: `/${index}t.mov` } : {}),
        }));
        const segments = segmentsOf(clips, { fps });
        const planned = scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds * fps, 0);
        expect(segments.reduce((sum, { frames }) => sum + frames, 0)).toBe(planned);
        expect(segments.every(({ frames }) => frames > 0)).toBe(true);
        expect(segments[0]).toMatchObject({ file: '/0.mov', start: 0 });
      }),
    );
  });

  it('are listed with their parts, and file names are quoted', () => {
    const list = segmentList(
      [
        { file: "/a/it's 1.mov", start: 0, frames: 72 },
        { file: '/2.mov', start: 12, frames: 60 },
      ],
      profile,
    );
    expect(list).toBe(
      "ffconcat version 1.0\nfile '/a/it'\\''s 1.mov'\noutpoint 3.000000\nduration 3.000000\n" +
        "file '/2.mov'\ninpoint 0.500000\noutpoint 3.000000\nduration 2.500000\n",
    );
  });
});

describe('a transition', () => {
  it.each([
    ['crossfade', 'fade'],
    ['dip-black', 'fadeblack'],
    ['dip-white', 'fadewhite'],
    ['wipe', 'wipeleft'],
    ['slide', 'slideleft'],
    ['zoom', 'zoomin'],
  ] as const)('%s is the xfade %s, half a second long', (kind, xfade) => {
    expect(blendSchema.options).toContain(kind);
    const call = blendCall(
      { kind, from: { file: '/a.mov', durationSeconds: 3 }, to: { file: '/b.mov' }, profile, output: '/t.mov' },
      { threads: 1, preset: 'veryfast', crf: 20 },
    );
    expect(call.options.join(' ')).toContain(`xfade=transition=${xfade}:duration=0.5:offset=0`);
    expect(call.inputs[0]?.options.join(' ')).toContain('-ss 3.000000');
    expect(call.options.join(' ')).toContain('-frames:v 12');
  });
});
