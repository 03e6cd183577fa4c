import { describe, expect, it } from '@jest/globals';
import { overlayTextSchema, type ScenePlan } from '@clipmesh/contracts';
import { captionsOf } from './captions.js';

const scene = (index: number, durationSeconds: number, text?: string): ScenePlan => ({
  index,
  role: 'solve',
  description: 'a kettle',
  durationSeconds,
  ...(text === undefined ? {} : { overlay: overlayTextSchema.parse({ text }) }),
});

describe('captions', () => {
  it('have a cue for every scene with a text', () => {
    expect(captionsOf({ scenes: [scene(0, 5, 'It sings'), scene(1, 7), scene(2, 60, 'Buy & <smile>')] })).toBe(
      'WEBVTT\n\n1\n00:00.000 --> 00:05.000\nIt sings\n\n3\n00:12.000 --> 01:12.000\nBuy &amp; &lt;smile&gt;\n',
    );
  });

  it('escape markup and remove empty lines', () => {
    expect(captionsOf({ scenes: [scene(0, 3, 'a\r\n\r\n00:00 --> 00:09\n \nNOTE b')] })).toBe(
      'WEBVTT\n\n1\n00:00.000 --> 00:03.000\na\n00:00 --&gt; 00:09\nNOTE b\n',
    );
    expect(captionsOf({ scenes: [scene(0, 3, ' \n ')] })).toBe('WEBVTT\n');
  });
});
