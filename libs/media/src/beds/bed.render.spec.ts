import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUSIC_MOODS, type MusicMood } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { BedFiles } from './bed.files.js';
import { renderBed } from './bed.render.js';
import { BEDS } from './bed.table.js';

const HEADER = 44;
const RATE = 48_000;

/** The left channel of a bed, -1 to 1. */
function leftOf(wav: Buffer): Float32Array {
  return Float32Array.from(
    { length: (wav.length - HEADER) / 4 },
    (_, index) => wav.readInt16LE(HEADER + index * 4) / 32_768,
  );
}
const levelDb = (samples: Float32Array): number =>
  10 * Math.log10(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
/** Loudness of each tenth of a second, dB. */
const levels = (samples: Float32Array): number[] =>
  Array.from({ length: Math.floor(samples.length / (RATE / 10)) }, (_, index) =>
    levelDb(samples.subarray((index * RATE) / 10, ((index + 1) * RATE) / 10)),
  );
const steps = (samples: Float32Array): number => {
  let largest = 0;
  for (let index = 1; index < samples.length; index += 1)
    largest = Math.max(largest, Math.abs((samples[index] ?? 0) - (samples[index - 1] ?? 0)));
  return largest;
};

describe.each(MUSIC_MOODS)('the bed %s', (mood: MusicMood) => {
  let wav: Buffer;
  it('is eight bars of music: never silent, never clipped, about as loud as a record', async () => {
    wav = await renderBed(mood);
    const samples = leftOf(wav);
    expect(samples.length / RATE).toBeCloseTo((8 * 4 * 60) / BEDS[mood].beatsPerMinute, 1);
    expect(samples.every((value) => value < 0.95 && value > -0.95)).toBe(true);
    expect(levelDb(samples)).toBeGreaterThan(-20);
    expect(levelDb(samples)).toBeLessThan(-10);
    const parts = levels(samples);
    expect(Math.min(...parts)).toBeGreaterThan(-45);
    // It moves: a tone or noise would be equally loud throughout.
    expect(Math.max(...parts) - Math.min(...parts)).toBeGreaterThan(3);
  });
  it('leads from its end into its begin', () => {
    const samples = leftOf(wav);
    const seam = Float32Array.from([...samples.subarray(-64), ...samples.subarray(0, 64)]);
    expect(steps(seam)).toBeLessThanOrEqual(steps(samples) + 0.01);
    // The tail of the last bar sounds in the first one.
    expect(levelDb(samples.subarray(-RATE / 20))).toBeGreaterThan(-45);
  });
});

describe('beds', () => {
  it('are the same bytes each time, rendered in slices, so that the process can do other work', async () => {
    let [turns, done] = [0, false];
    const count = (): void => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const [first, second, other] = await Promise.all(
      ['playful', 'playful', 'epic'].map((mood) => renderBed(mood as MusicMood)),
    );
    done = true;
    expect(turns).toBeGreaterThan(10);
    expect(second?.equals(first ?? Buffer.alloc(0))).toBe(true);
    expect(other?.equals(first ?? Buffer.alloc(0))).toBe(false);
  });

  it('are kept as files: rendered once, and again when the file is gone', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'beds-'));
    try {
      const beds = new BedFiles(join(directory, 'own'));
      const [first, second] = await Promise.all([beds.file('tense'), beds.file('tense')]);
      expect(second).toBe(first);
      const bytes = await readFile(first);
      await rm(join(directory, 'own'), { recursive: true });
      expect((await readFile(await beds.file('tense'))).equals(bytes)).toBe(true);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
