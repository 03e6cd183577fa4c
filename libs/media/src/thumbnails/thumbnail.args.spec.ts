import { describe, expect, it } from '@jest/globals';
import { type ThumbnailFigures } from '../commands/media.types.js';
import { bestThumbnail, candidateFrames, readLuma, thumbnailScore } from './thumbnail.args.js';

describe('the candidates for the thumbnail', () => {
  it.each([
    [3, 24, { count: 3, condition: 'eq(mod(n,24),12)' }],
    [2.5, 24, { count: 2, condition: 'eq(mod(n,24),12)' }],
    [1, 30, { count: 1, condition: 'eq(mod(n,30),15)' }],
    [0.25, 24, { count: 1, condition: 'eq(n,5)' }],
  ])('of %d s at %d frames per second are in the middle of each second', (seconds, fps, frames) => {
    expect(candidateFrames(seconds, fps)).toEqual(frames);
  });

  it('have the figures that ffmpeg printed, frame by frame', () => {
    const frame = (n: number, low: number, mean: number, high: number): string =>
      `frame:${n}    pts:12      pts_time:0.5\nlavfi.signalstats.YLOW=${low}\nlavfi.signalstats.YAVG=${mean}\nlavfi.signalstats.YHIGH=${high}\n`;
    expect(readLuma(frame(0, 16, 16, 16) + frame(1, 40, 120.5, 200))).toEqual([
      { luma: 16, contrast: 0 },
      { luma: 120.5, contrast: 160 },
    ]);
    expect(readLuma('')).toEqual([]);
  });

  const picture = { luma: 120, contrast: 120, detail: 0.12 };
  it.each([
    ['black', { ...picture, luma: 16 }],
    ['nearly black', { ...picture, luma: 30 }],
    ['a white flash', { ...picture, luma: 235 }],
    ['nearly white', { ...picture, luma: 225 }],
    ['a plain colour', { luma: 120, contrast: 0, detail: 0.005 }],
    ['low contrast', { ...picture, contrast: 20 }],
    ['little detail', { ...picture, detail: 0.02 }],
  ])('rank %s below a good picture, in any order', (_name, worse: ThumbnailFigures) => {
    expect(bestThumbnail([worse, picture])).toBe(picture);
    expect(bestThumbnail([picture, worse])).toBe(picture);
  });

  it('are chosen in the order of the video when they are equal, and none is chosen from none', () => {
    const black = [0, 1].map((scene) => ({ scene, luma: 16, contrast: 0, detail: 0 }));
    expect(thumbnailScore({ luma: 255, contrast: 0, detail: 0 })).toBe(0);
    expect(bestThumbnail(black)?.scene).toBe(0);
    expect(bestThumbnail<ThumbnailFigures>([])).toBeUndefined();
  });
});
