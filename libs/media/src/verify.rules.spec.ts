import { describe, expect, it } from '@jest/globals';
import { type Probe } from './probe.parse.js';
import { clipFault, contentTypeOf, soundFault } from './verify.rules.js';

const picture = { codec: 'h264', pixelFormat: 'yuv420p', width: 1280, height: 720, fps: 24 };
const sound = { codec: 'aac', sampleRate: 48_000, channels: 2 };
const probe = (change: Partial<Probe>): Probe => ({ container: 'mp4', durationSeconds: 5, bytes: 1000, ...change });
const rules = { durationSeconds: 5, minShare: 0.5, maxSeconds: 600 };

describe('a clip', () => {
  it.each<[string, Partial<Probe>, string | undefined]>([
    ['as asked for', { video: picture }, undefined],
    ['with sound', { video: picture, audio: sound }, undefined],
    ['somewhat shorter, as models make them', { video: picture, durationSeconds: 4.87 }, undefined],
    ['of the least length', { video: picture, durationSeconds: 2.5 }, undefined],
    [
      'that is too short',
      { video: picture, durationSeconds: 2.49 },
      'it lasts 2.49 s; of the 5 s that were asked for, 2.5 s are needed',
    ],
    [
      'of one frame',
      { video: picture, durationSeconds: 0.04 },
      'it lasts 0.04 s; of the 5 s that were asked for, 2.5 s are needed',
    ],
    ['longer than asked for', { video: picture, durationSeconds: 10 }, undefined],
    ['that is far too long', { video: picture, durationSeconds: 601 }, 'it lasts 601 s; at most 600 s'],
    ['without a length', { video: picture, durationSeconds: 0 }, 'it has no length'],
    ['of sound alone', { audio: sound }, 'there is no picture in it'],
    ['of no size', { video: { ...picture, width: 0 } }, '0x720 pixels; each side takes 16-8192'],
    ['of one line', { video: { ...picture, height: 1 } }, '1280x1 pixels; each side takes 16-8192'],
    ['that is too large', { video: { ...picture, width: 8194 } }, '8194x720 pixels; each side takes 16-8192'],
  ])('%s', (_name, change, fault) => {
    expect(clipFault(probe(change), rules)).toBe(fault);
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
    ['of sound alone', { audio: sound }, undefined],
    ['with pictures', { audio: sound, video: picture }, undefined],
    ['of pictures alone', { video: picture }, 'there is no sound in it, only a picture'],
    ['of nothing, a cover for example', {}, 'there is no sound in it'],
    ['of no length', { audio: sound, durationSeconds: 0 }, 'it lasts 0 s; at least 0.5 s'],
    ['that is too short', { audio: sound, durationSeconds: 0.49 }, 'it lasts 0.49 s; at least 0.5 s'],
    ['of the least length', { audio: sound, durationSeconds: 0.5 }, undefined],
  ])('%s', (_name, change, fault) => {
    expect(soundFault(probe(change), { minSeconds: 0.5 })).toBe(fault);
  });
});
