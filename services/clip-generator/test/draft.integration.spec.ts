import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClipGenerate, DRAFT_MODEL, message } from '@clipmesh/contracts';
import { openMedia } from '@clipmesh/media';
import { openArtifactFolder } from '@clipmesh/persistence';
import { loadConfig } from '@clipmesh/config';
import { startService, until } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClipEnd, DEADLINE_MS, startSandboxBench } from './clip.bench.js';

let bench: Awaited<ReturnType<typeof startSandboxBench>>;

beforeAll(async () => {
  bench = await startSandboxBench();
}, DEADLINE_MS);
afterAll(() => bench.stop(), DEADLINE_MS);

/** Expects that nothing was bought, and that no purchase and no cache entry exists. */
async function nothingBought(generationId: string): Promise<void> {
  expect((await bench.sandbox.invoice()).predictions).toEqual([]);
  expect(await bench.stores.purchases.list(generationId)).toEqual([]);
  expect(await bench.stores.cache.all()).toEqual([]);
}
const startDrawer = (worker: string) =>
  startService('clip-generator', {
    ...bench.settings,
    TEMP_DIR: join(bench.folder.path, worker),
    ACK_WAIT_SECONDS: '5',
  });
const drawn = (end: ClipEnd) => {
  if (end.name !== 'clip.generated') throw new Error(end.body.failure.message);
  return end.body;
};

describe('the clip of a draft', () => {
  it('is drawn in the profile of the job, for free, and not bought', async () => {
    const drawer = await startDrawer('first');
    const body = bench.command({ model: DRAFT_MODEL, durationSeconds: 3 });
    const end = drawn(await bench.make(body));
    expect(end).toMatchObject({ model: DRAFT_MODEL, cached: false, charges: [] });
    expect(end.predictionId).toBeUndefined();
    await nothingBought(body.generationId);
    const config = loadConfig(bench.settings);
    const artifacts = await openArtifactFolder({ directory: config.artifactsDir });
    const media = openMedia(config, join(bench.folder.path, 'probe'));
    const context = { signal: AbortSignal.timeout(DEADLINE_MS) };
    const { durationSeconds, video } = await artifacts.withFile(end.clip, (file) => media.probe(file, context));
    expect(video).toMatchObject({ width: 720, height: 720 });
    expect(Math.abs(durationSeconds - 3)).toBeLessThan(0.1);
    // The same command gives the same file.
    expect(drawn(await bench.make({ ...body, attempt: 2 })).clip).toEqual(end.clip);
    await drawer.end('SIGTERM');
  }, 300_000);

  it('is drawn by another clip generator when the first one is killed', async () => {
    const first = await startDrawer('killed');
    const body = bench.command({ model: DRAFT_MODEL, durationSeconds: 7 });
    await bench.publish([message(ClipGenerate, body)]);
    const folder = join(bench.folder.path, 'killed');
    const isDrawing = async (): Promise<boolean> =>
      (await readdir(folder, { recursive: true }).catch(() => [])).some((file) => file.endsWith('clip.mp4'));
    await until(isDrawing, DEADLINE_MS, 'a clip that is being drawn');
    await first.end('SIGKILL');
    const second = await startDrawer('next');
    expect(drawn(await bench.endOf(body))).toMatchObject({ model: DRAFT_MODEL, charges: [] });
    await nothingBought(body.generationId);
    await second.end('SIGTERM');
  }, 300_000);
});
