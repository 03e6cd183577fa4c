import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClipGenerateBody } from '@clipmesh/contracts';
import { openArtifactFolder } from '@clipmesh/persistence';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ClipBench, DEADLINE_MS, FAST, startSandboxBench, sumOf } from './clip.bench.js';

const DOWNLOADS = 3;
/** Price of 4 s from google/veo-3.1. */
const PRICE = { usd: 1.6, micros: 1_600_000 };

let bench: Awaited<ReturnType<typeof startSandboxBench>>;

beforeAll(async () => {
  bench = await startSandboxBench();
  await bench.startReplica('clip-generator.1', {
    // The generations of this suite are not stored, so they have no owner.
    CLIP_CACHE_SCOPE: 'shared',
    CLIP_DOWNLOAD_ATTEMPTS: String(DOWNLOADS),
    CLIP_DOWNLOAD_RETRY_FIRST_SECONDS: '0',
    CLIP_DOWNLOAD_RETRY_MAX_SECONDS: '0',
  });
}, DEADLINE_MS);
afterAll(() => bench.stop(), DEADLINE_MS);
beforeEach(() => bench.sandbox.clearInvoice());

const command: ClipBench['command'] = (change) => bench.command(change);
const make: ClipBench['make'] = (body) => bench.make(body);
const purchases = async ({ generationId }: ClipGenerateBody): Promise<unknown[]> =>
  (await bench.stores.purchases.list(generationId)).map(({ value: { status, predictionId } }) => [
    status,
    predictionId,
  ]);
const predictions = async (): Promise<string[]> => (await bench.sandbox.invoice()).predictions.map(({ id }) => id);

describe('an output that is an HTML page', () => {
  it('is downloaded again, with one purchase', async () => {
    await bench.sandbox.scenario({ ...FAST, badDownloads: 1 });
    const body = command();
    const end = await make(body);
    const [predictionId] = await predictions();
    expect(end).toMatchObject({
      name: 'clip.generated',
      body: { predictionId, clip: { contentType: 'video/mp4' }, charges: [{ amountMicros: PRICE.micros }] },
    });
    expect(await predictions()).toHaveLength(1);
    expect(await purchases(body)).toEqual([['finished', predictionId]]);
    // An identical request gets the clip for free.
    const other = await make({ ...command(), prompt: body.prompt });
    expect(other).toMatchObject({ name: 'clip.generated', body: { cached: true, predictionId, charges: [] } });
  });

  it('fails the prediction after every try, with its charge and no cache entry, and leaves the clip to the next model', async () => {
    await bench.sandbox.scenario({ ...FAST, badDownloads: DOWNLOADS });
    const body = command();
    const end = await make(body);
    const [first] = await predictions();
    expect(end).toMatchObject({
      name: 'clip.failed',
      body: {
        failure: { code: 'MEDIA_INVALID', stage: 'clip', scene: 0, charged: true, retryable: false },
        charges: [{ key: `prediction:${first}`, amountMicros: PRICE.micros }],
      },
    });
    expect(await purchases(body)).toEqual([['failed', first]]);
    expect((await bench.stores.cache.all()).filter(({ value }) => value.predictionId === first)).toEqual([]);

    const next = await make({ ...body, attempt: 2, model: 'google/veo-3' });
    const bought = await predictions();
    expect(next).toMatchObject({ name: 'clip.generated', body: { model: 'google/veo-3', predictionId: bought[1] } });
    expect(bought).toHaveLength(2);
    const charges = [...end.body.charges, ...next.body.charges];
    const ledger = [...new Map(charges.map((charge) => [charge.key, charge])).values()];
    expect(sumOf(ledger)).toBe(Math.round((await bench.sandbox.invoice()).totalUsd * 1e6));
    // A new identical request buys from the first model again, which succeeds now.
    const again = await make({ ...command(), prompt: body.prompt });
    expect(again).toMatchObject({ name: 'clip.generated', body: { cached: false, model: body.model } });
  });
});

describe('an output', () => {
  it.each(['array', 'object', 'nested', 'files', 'data'])('in the form "%s" is a clip', async (form) => {
    await bench.sandbox.scenario({ ...FAST, outputs: [form] });
    expect(await make(command())).toMatchObject({
      name: 'clip.generated',
      body: { clip: { contentType: 'video/mp4' } },
    });
    expect(await predictions()).toHaveLength(1);
    // No log contains the content of a data URL.
    expect(bench.log()).not.toContain('base64');
  });

  it.each(['null', 'empty', 'text'])('in the form "%s" fails the prediction, with its charge', async (form) => {
    await bench.sandbox.scenario({ ...FAST, outputs: [form, 'url'] });
    const body = command();
    expect(await make(body)).toMatchObject({
      name: 'clip.failed',
      body: {
        failure: { code: 'PROVIDER_BAD_ANSWER', charged: true, retryable: false },
        charges: [{ amountMicros: PRICE.micros }],
      },
    });
    expect(await predictions()).toHaveLength(1);
    // The next run of the generation buys it again.
    expect(await make({ ...body, attempt: 2 })).toMatchObject({ name: 'clip.generated' });
    expect(await predictions()).toHaveLength(2);
  });
});

describe('a stored file that is not a clip any more', () => {
  it('of a finished purchase is collected again from its prediction', async () => {
    await bench.sandbox.scenario(FAST);
    const body = command();
    const first = await make(body);
    if (first.name !== 'clip.generated') throw new Error(first.body.failure.message);
    const { clip, predictionId } = first.body;
    await writeFile(join(bench.folder.path, 'artifacts', clip.key), Buffer.alloc(clip.bytes, 1));
    expect(await make({ ...body, attempt: 2 })).toMatchObject({ name: 'clip.generated', body: { predictionId, clip } });
    expect(await predictions()).toEqual([predictionId]);
  });

  it('of the cache is bought again and not reused', async () => {
    await bench.sandbox.scenario(FAST);
    const body = command();
    const first = await make(body);
    const [entry] = (await bench.stores.cache.all()).filter(
      ({ value }) => first.name === 'clip.generated' && value.predictionId === first.body.predictionId,
    );
    if (entry === undefined) throw new Error('it is not in the cache');
    // An earlier version stored it without verification, so its hash is right.
    const artifacts = await openArtifactFolder({ directory: join(bench.folder.path, 'artifacts') });
    const page = await artifacts.put(Buffer.from('<!DOCTYPE html>'), { contentType: 'video/mp4' });
    await bench.stores.cache.save({ ...entry.value, artifact: page }, entry.revision);
    const other = await make({ ...command(), prompt: body.prompt });
    expect(other).toMatchObject({ name: 'clip.generated', body: { cached: false } });
    const third = await make({ ...command(), prompt: body.prompt });
    expect(third).toMatchObject({ body: { cached: true, clip: { contentType: 'video/mp4' } } });
    expect(await predictions()).toHaveLength(2);
  });

  it('of a prediction that the overlay rejected is bought again, once', async () => {
    await bench.sandbox.scenario(FAST);
    const body = command();
    const first = await make(body);
    const [rejectedPrediction] = await predictions();
    expect(first).toMatchObject({ name: 'clip.generated', body: { predictionId: rejectedPrediction } });
    const next = await make({ ...body, attempt: 2, rejectedPrediction: rejectedPrediction ?? '' });
    const [, second] = await predictions();
    expect(next).toMatchObject({ name: 'clip.generated', body: { cached: false, predictionId: second } });
    expect(await predictions()).toHaveLength(2);
  });
});
