import { describe, expect, it } from '@jest/globals';
import { type Probe } from './probe.parse.js';
import { clipProblem, contentTypeOf, soundProblem, speechProblem } from './verify.rules.js';

const picture = {
  index: 0,
  codec: 'h264',
  pixelFormat: 'yuv420p',
  width: 1280,
  height: 720,
  fps: 24,
  isInterlaced: false,
  hasAlpha: false,
  color: {},
};
const sound = { index: 1, codec: 'aac', sampleRate: 48_000, channels: 2 };
const probe = (change: Partial<Probe>): Probe => ({ container: 'mp4', durationSeconds: 5, bytes: 1000, ...change });
const rules = { durationSeconds: 5, minShare: 0.5, maxSeconds: 600 };

describe('a clip', () => {
  it.each<[string, Partial<Probe>, string | undefined]>([
    ['of the requested duration', { video: picture }, undefined],
    ['with sound', { video: picture, audio: sound }, undefined],
    ['that is slightly shorter', { video: picture, durationSeconds: 4.87 }, undefined],
    ['of the minimum duration', { video: picture, durationSeconds: 2.5 }, undefined],
    [
      'that is too short',
      { video: picture, durationSeconds: 2.49 },
      'it lasts 2.49 s; a clip of 5 s must last at least 2.5 s',
    ],
    [
      'of one frame',
      { video: picture, durationSeconds: 0.04 },
      'it lasts 0.04 s; a clip of 5 s must last at least 2.5 s',
    ],
    ['that is longer than requested', { video: picture, durationSeconds: 10 }, undefined],
    ['that is far too long', { video: picture, durationSeconds: 601 }, 'it lasts 601 s; at most 600 s are allowed'],
    ['without a duration', { video: picture, durationSeconds: 0 }, 'it has no duration'],
    ['with audio only', { audio: sound }, 'it has no video stream'],
    ['of width 0', { video: { ...picture, width: 0 } }, '0x720 pixels; each side must be 16-8192'],
    ['of height 1', { video: { ...picture, height: 1 } }, '1280x1 pixels; each side must be 16-8192'],
    [
      'that has no size',
      { video: { ...picture, width: 0, height: 0 } },
      'its pictures have no size, or more than 9500000 pixels',
    ],
    [
      'of too many pixels',
      { video: { ...picture, width: 4000, height: 4000 } },
      '4000x4000 pixels; at most 9500000 are allowed',
    ],
    ['of 4K at 60 frames a second', { video: { ...picture, width: 4096, height: 2160, fps: 60 } }, undefined],
    [
      'of too many frames',
      { video: { ...picture, fps: 1000 } },
      'it has 1000 frames a second; at most 240 are allowed',
    ],
    [
      'of too many pixels a second',
      { video: { ...picture, width: 3840, height: 2160, fps: 120 } },
      '3840x2160 pixels at 120 frames a second; at most 570000000 pixels a second are allowed',
    ],
    ['of a high bit rate', { video: picture, bytes: 2e9 }, 'it has 3200 Mbit/s; at most 1000 are allowed'],
    ['that is too large', { video: { ...picture, width: 8194 } }, '8194x720 pixels; each side must be 16-8192'],
  ])('%s has the problem: %s', (_name, change, problem) => {
    expect(clipProblem(probe(change), rules)).toBe(problem);
  });

  it.each([
    ['mp4', 'video/mp4'],
    ['mov', 'video/quicktime'],
    ['webm', 'video/webm'],
    ['other', 'application/octet-stream'],
  ] as const)('in %s is of type %s', (container, type) => {
    expect(contentTypeOf(probe({ container }))).toBe(type);
  });
});

describe('music', () => {
  it.each<[string, Partial<Probe>, string | undefined]>([
    ['with audio only', { audio: sound }, undefined],
    ['with video', { audio: sound, video: picture }, undefined],
    ['with video only', { video: picture }, 'it has no audio stream, only video'],
    ['without streams, such as a cover image', {}, 'it has no audio stream'],
    ['without a duration', { audio: sound, durationSeconds: 0 }, 'it lasts 0 s; at least 0.5 s are needed'],
    ['that is too short', { audio: sound, durationSeconds: 0.49 }, 'it lasts 0.49 s; at least 0.5 s are needed'],
    ['of the minimum duration', { audio: sound, durationSeconds: 0.5 }, undefined],
  ])('%s', (_name, change, problem) => {
    expect(soundProblem(probe(change), { minSeconds: 0.5 })).toBe(problem);
  });
});

describe('a speech', () => {
  it.each<[string, number, number, string | undefined]>([
    ['of a plausible length', 3, -12, undefined],
    ['at its shortest', 1, -60, undefined],
    ['at its longest', 8, 0, undefined],
    ['that was cut off', 0.9, -12, 'it lasts 0.9 s; its text takes at least 1 s'],
    ['that does not end', 8.1, -12, 'it lasts more than 8 s, the most that its text can take'],
    ['without samples', 0, -Infinity, 'it has no samples'],
    ['of silence', 3, -Infinity, 'it is silent'],
    ['of noise that nobody hears', 3, -61, 'it is silent'],
  ])('%s', (_name, durationSeconds, peakDb, problem) => {
    expect(speechProblem({ durationSeconds, peakDb }, { minSeconds: 1, maxSeconds: 8 })).toBe(problem);
  });
});
