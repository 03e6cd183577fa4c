import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Media } from '../../src/index.js';
import { COLOR_SOURCES } from './color.sources.js';
import { BOUNDS_SOURCES } from './bounds.sources.js';
import { DAMAGE_SOURCES } from './damage.sources.js';
import { measure } from './scene.measure.js';
import { BARS, BASE, ffmpeg, makeBase } from './source.maker.js';
import { type SourceRow } from './source.row.js';
import { TIMING_SOURCES } from './timing.sources.js';

/** Ends a hanging test, ms. */
const DEADLINE_MS = 300_000;
const profile = { width: 160, height: 90, fps: 24 };
/** Longer than the sources, so that their last frame is held. */
const SECONDS = 1.5;
const rules = { durationSeconds: SECONDS, minShare: 0.5, maxSeconds: 60 };
let dir: string;
let media: Media;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sources-test-'));
  media = new Media({
    threads: 1,
    memoryMb: 800,
    idleTimeoutMs: DEADLINE_MS,
    tempDir: join(dir, 'tmp'),
    maxProcesses: 2,
  });
  await makeBase(dir);
}, DEADLINE_MS);
afterAll(async () => {
  expect(media.running()).toBe(0);
  await rm(dir, { recursive: true, force: true });
});

async function check(row: SourceRow): Promise<void> {
  const context = { signal: AbortSignal.timeout(DEADLINE_MS) };
  const [file, output] = [join(dir, 'clip'), join(dir, 'scene.mov')];
  await row.make(dir, file);
  const scene = async (): Promise<readonly string[]> => {
    await media.verifyClip(file, rules, context);
    return (await media.overlay({ file, output, durationSeconds: SECONDS, profile }, context)).warnings;
  };
  if (row.refused !== undefined) {
    const failed = scene();
    await expect(failed).rejects.toMatchObject({ code: 'MEDIA_INVALID', message: expect.stringMatching(row.refused) });
    await expect(failed).rejects.toMatchObject({ message: expect.not.stringContaining(dir) });
    return;
  }
  const warnings = await scene();
  expect(warnings).toEqual(row.warning === undefined ? [] : [expect.stringMatching(row.warning)]);
  const { frames, samples, flashSecond, beepSecond, bars } = await measure(dir, output, profile);
  expect({ frames, samples }).toEqual({ frames: SECONDS * profile.fps, samples: SECONDS * 48_000 });
  expect(flashSecond !== undefined).toBe(row.steady !== true);
  expect(beepSecond !== undefined).toBe(row.silent !== true);
  if (flashSecond !== undefined && beepSecond !== undefined)
    expect(Math.abs(flashSecond - beepSecond)).toBeLessThanOrEqual(0.021);
  for (const [index, wanted] of (row.bars ?? BARS).entries())
    for (const [channel, value] of (bars[index] ?? []).entries())
      if (Math.abs(value - (wanted[channel] ?? 0)) > (row.tolerance ?? 12))
        throw new Error(`bar ${index} is ${bars[index]?.map(Math.round).join()} instead of ${wanted.join()}`);
}

describe.each([
  ['timing', TIMING_SOURCES],
  ['bounds', BOUNDS_SOURCES],
  ['colours', COLOR_SOURCES],
  ['damage', DAMAGE_SOURCES],
])('a clip of the table: %s', (_kind, rows) => {
  it.each(rows.map((row) => [row.name, row] as const))('%s', (_name, row) => check(row), DEADLINE_MS);
});

it(
  'is tagged as BT.709 in limited range, in the container and in the bitstream',
  async () => {
    const context = { signal: AbortSignal.timeout(DEADLINE_MS) };
    const [file, output] = [join(dir, BASE.picture), join(dir, 'tagged.mov')];
    await ffmpeg(dir, ['-i', file, '-f', 'mov', 'tagged.clip']);
    const clip = { file: join(dir, 'tagged.clip'), output, durationSeconds: SECONDS, profile };
    await media.overlay(clip, context);
    // The box names primaries, transfer and matrix by the numbers of the standard; 1 is BT.709.
    expect((await readFile(output)).includes(Buffer.from('colrnclc\0\u0001\0\u0001\0\u0001', 'latin1'))).toBe(true);
    // Without the header of the container only the bitstream has tags.
    await ffmpeg(dir, ['-i', output, '-map', '0:v', '-c', 'copy', '-f', 'mpegts', 'tagged.ts']);
    const tag = 'bt709';
    expect((await media.probe(join(dir, 'tagged.ts'), context)).video).toMatchObject({
      color: { matrix: tag, primaries: tag, transfer: tag, range: 'tv' },
    });
  },
  DEADLINE_MS,
);

it(
  'fails with OUT_OF_MEMORY when it needs more memory than is allowed',
  async () => {
    const context = { signal: AbortSignal.timeout(DEADLINE_MS) };
    const small = new Media({ threads: 1, memoryMb: 60, idleTimeoutMs: DEADLINE_MS, tempDir: dir, maxProcesses: 1 });
    const file = join(dir, 'large.mp4');
    await ffmpeg(dir, ['-f', 'lavfi', '-i', 'testsrc2=s=3840x2160:d=0.5', '-preset', 'ultrafast', file]);
    const overlaid = small.overlay(
      { file, output: join(dir, 'large.mov'), durationSeconds: 1, profile: { width: 1080, height: 1920, fps: 24 } },
      context,
    );
    await expect(overlaid).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', isSystemFailure: false });
  },
  DEADLINE_MS,
);
