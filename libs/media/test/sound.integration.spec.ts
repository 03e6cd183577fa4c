import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Media, type MixInput } from '../src/index.js';
import {
  amplitudeAt,
  announcedSamples,
  decibels,
  largestStep,
  loudnessOf,
  RATE,
  samplesIn,
  writeSound,
} from './sound.probes.js';

let dir: string;
let media: Media;
let count = 0;
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(300_000) });
const sine = (hertz: number, level: number): string => `aevalsrc='${level}*sin(2*PI*${hertz}*t)':s=${RATE}`;
const SILENCE = `anullsrc=r=${RATE}`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sound-test-'));
  media = new Media({ threads: 1, idleTimeoutMs: 120_000, tempDir: join(dir, 'tmp'), maxProcesses: 2 });
});
afterAll(async () => {
  expect(media.running()).toBe(0);
  expect(await readdir(join(dir, 'tmp'))).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

const sound = (source: string, seconds: number): string =>
  writeSound(join(dir, `${(count += 1)}.wav`), source, seconds);
async function mixed(input: Omit<MixInput, 'output'>): Promise<string> {
  const output = join(dir, `${(count += 1)}.m4a`);
  await media.mix({ ...input, output }, context());
  return output;
}
const scene = (source: string, durationSeconds: number, fileSeconds = durationSeconds) => ({
  file: sound(source, fileSeconds),
  durationSeconds,
});

describe('loudness of a mix', () => {
  it.each([
    ['a tone', sine(997, 0.1)],
    ['a tone at full scale', sine(997, 1)],
    ['a clipped tone', `aevalsrc='clip(8*sin(2*PI*331*t),-1,1)':s=${RATE}`],
    ['peaks between the samples', `aevalsrc='0.99*sin(2*PI*${RATE / 4}*t+PI/4)':s=${RATE}`],
    ['pink noise at full scale', `anoisesrc=r=${RATE}:a=1:c=pink:seed=3`],
    ['a drum: short peaks far above the mean', `aevalsrc='0.9*sin(2*PI*60*t)*exp(-18*mod(t,0.5))':s=${RATE}`],
    ['a mix of -33 LUFS', sine(997, 0.022)],
  ])('is -14 LUFS, and its true peak at most -1 dBTP: %s', async (_name, source) => {
    const { integrated, truePeak } = loudnessOf(await mixed({ scenes: [scene(source, 5)] }));
    expect(Math.abs(integrated + 14)).toBeLessThanOrEqual(1);
    expect(truePeak).toBeLessThanOrEqual(-1);
  });

  it('raises a quiet mix by 20 dB at most, and leaves silence silent', async () => {
    const quiet = loudnessOf(await mixed({ scenes: [scene(sine(997, 0.002), 4)] }));
    const before = loudnessOf(sound(sine(997, 0.002), 4));
    expect(quiet.integrated - before.integrated).toBeCloseTo(20, 0);
    const silent = samplesIn(await mixed({ scenes: [scene(SILENCE, 2)] }));
    expect(silent.every((value) => value === 0)).toBe(true);
    const dropped = samplesIn(await mixed({ scenes: [scene(sine(997, 1), 2)], clipVolume: 0 }));
    expect(dropped.every((value) => value === 0)).toBe(true);
  });
});

describe('time in a mix', () => {
  /** One sample of a click at 0.5 s. */
  const click = (level: number): string => `aevalsrc='if(eq(n,${RATE / 2}),${level},0)':s=${RATE}`;
  const peakAt = (samples: Float32Array, from: number, to: number): number => {
    let at = from;
    for (let index = from; index < to; index += 1)
      if (Math.abs(samples[index] ?? 0) > Math.abs(samples[at] ?? 0)) at = index;
    return at;
  };

  it.each([
    ['linear', 0.001],
    ['limited', 1],
  ])('every scene keeps its place to the sample, whatever the length of its sound: %s', async (_name, level) => {
    const lengths = [1, 0.7, 3.2, 1, 2];
    const scenes = lengths.map((seconds) => scene(click(level), 1, seconds));
    const file = await mixed({ scenes: [...scenes, scene(sine(440, level / 4), 1)] });
    expect(announcedSamples(file)).toBe(6 * RATE);
    const samples = samplesIn(file);
    for (const index of lengths.keys()) {
      const found = peakAt(samples, index * RATE + RATE / 4, index * RATE + (3 * RATE) / 4);
      expect(Math.abs(found - (index + 0.5) * RATE)).toBeLessThanOrEqual(2);
    }
  });

  it('is as long as its scenes in the video, whose pictures are copied', async () => {
    const profile = { width: 96, height: 96, fps: 24 };
    const clips: { file: string; durationSeconds: number }[] = [];
    for (const durationSeconds of [1, 2, 1]) {
      const [raw, file] = [join(dir, `${(count += 1)}.mp4`), join(dir, `${count}.mov`)];
      const size = { width: 96, height: 96 };
      await media.render({ output: raw, seed: count, label: '', durationSeconds, ...size }, context());
      await media.overlay({ file: raw, output: file, durationSeconds, profile }, context());
      clips.push({ file, durationSeconds });
    }
    const output = join(dir, 'video.mp4');
    await media.join({ profile, clips, audio: await mixed({ scenes: clips }), output }, context());
    expect(announcedSamples(output)).toBe(4 * RATE);
    const probe = await media.probe(output, context());
    expect(probe).toMatchObject({ video: { codec: 'h264' }, audio: { codec: 'aac', sampleRate: RATE, channels: 2 } });
    expect(Math.abs(probe.durationSeconds - 4)).toBeLessThan(0.001);
  });
});

describe('cuts and seams', () => {
  /** A step of -40 dBFS. */
  const STEP = 0.01;

  it('do not click: no step at a cut that the sound beside it does not have', async () => {
    // Each scene ends at the crest of its tone, so a hard cut is a step of more than half of the full scale.
    const scenes = [sine(100.25, 0.5), `${sine(250.25, 0.5)},volume=-1`, sine(75.25, 0.5)].map((source) =>
      scene(source, 1),
    );
    const samples = samplesIn(await mixed({ scenes }));
    for (const cut of [1, 2]) {
      const beside = Math.max(largestStep(samples, cut - 0.5, cut - 0.02), largestStep(samples, cut + 0.02, cut + 0.5));
      expect(largestStep(samples, cut - 0.02, cut + 0.02) - beside).toBeLessThan(STEP);
    }
  });

  it.each([
    ['cross-faded', 1.30125, false],
    ['seamless', 1.25, true],
  ])('music is repeated without a click or a gap: %s', async (_name, seconds, seamless) => {
    const file = sound(sine(200, 0.5), seconds);
    const music = { file, volume: 1, seamless };
    const samples = samplesIn(await mixed({ scenes: [scene(SILENCE, 10)], clipVolume: 0, music }));
    const steady = largestStep(samples, 0.2, 0.8);
    expect(largestStep(samples, 0.2, 8) - steady).toBeLessThan(STEP);
    for (let from = 0.5; from < 8; from += 0.1)
      expect(
        decibels(amplitudeAt(samples, 200, from, from + 0.1) / amplitudeAt(samples, 200, 0.3, 0.5)),
      ).toBeGreaterThan(-4);
    // It fades out at the end.
    expect(decibels(largestStep(samples, 9.9, 10) / steady)).toBeLessThan(-20);
  });
});

describe('voice', () => {
  it('lowers the music while it speaks, and only then', async () => {
    const music = { file: sound(sine(1000, 0.4), 3), volume: 0.3, seamless: true };
    const spoken = sound(sine(300, 0.3), 2);
    const speech = [{ file: spoken, startSeconds: 2, durationSeconds: 2 }];
    const file = await mixed({ scenes: [scene(SILENCE, 8)], music, speech });
    const samples = samplesIn(file);
    const [before, during, after] = [
      [1, 1.8],
      [2.5, 3.8],
      [5, 5.8],
    ].map(([from = 0, to = 0]) => amplitudeAt(samples, 1000, from, to)) as [number, number, number];
    expect(decibels(during / before)).toBeLessThan(-8);
    expect(decibels(during / before)).toBeGreaterThan(-16);
    expect(Math.abs(decibels(after / before))).toBeLessThan(1);
    expect(decibels(amplitudeAt(samples, 300, 2.5, 3.8) / during)).toBeGreaterThan(12);
    expect(decibels(amplitudeAt(samples, 300, 1, 1.8) / during)).toBeLessThan(-40);
    expect(announcedSamples(file)).toBe(8 * RATE);
    const { integrated, truePeak } = loudnessOf(file);
    expect(Math.abs(integrated + 14)).toBeLessThanOrEqual(1);
    expect(truePeak).toBeLessThanOrEqual(-1);
  });

  it('is played faster, so that it fits into its time', async () => {
    // A tone of 300 Hz for 1.1 s, then one of 500 Hz: at a tempo of 1.1 the second one begins after 1 s.
    const source = `aevalsrc='0.3*sin(2*PI*if(lt(t,1.1),300,500)*t)':s=${RATE}`;
    const speech = [{ file: sound(source, 2.2), startSeconds: 1, durationSeconds: 2, tempo: 1.1 }];
    const samples = samplesIn(await mixed({ scenes: [scene(SILENCE, 4)], speech }));
    expect(decibels(amplitudeAt(samples, 300, 1.2, 1.8) / amplitudeAt(samples, 500, 1.2, 1.8))).toBeGreaterThan(12);
    expect(decibels(amplitudeAt(samples, 500, 2.2, 2.8) / amplitudeAt(samples, 300, 2.2, 2.8))).toBeGreaterThan(12);
    expect(decibels(amplitudeAt(samples, 500, 3.1, 3.9) / amplitudeAt(samples, 500, 2.2, 2.8))).toBeLessThan(-40);
  });

  it('is as loud as it should be, whatever the loudness of its file, and ends with its time', async () => {
    const ends = await Promise.all(
      [0.02, 0.9].map(async (level) => {
        const speech = [
          { file: sound(sine(300, level), 1), startSeconds: 0.5, durationSeconds: 1 },
          { file: sound(sine(300, level), 3), startSeconds: 3, durationSeconds: 1.5 },
        ];
        const scenes = [scene(sine(1000, 0.2), 6)];
        const samples = samplesIn(await mixed({ scenes, speech }));
        expect(decibels(amplitudeAt(samples, 300, 4.6, 5.5) / amplitudeAt(samples, 300, 3.2, 4.2))).toBeLessThan(-40);
        return amplitudeAt(samples, 300, 3.2, 4.2) / amplitudeAt(samples, 1000, 3.2, 4.2);
      }),
    );
    expect(Math.abs(decibels((ends[0] ?? 0) / (ends[1] ?? 1)))).toBeLessThan(1);
  });
});
