import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClipFailed, ClipGenerate, type ClipGenerateBody, ClipGenerated, message } from '@clipmesh/contracts';
import { loadConfig } from '@clipmesh/config';
import { readEvents, type Replica, startReplica } from '@clipmesh/messaging';
import { openArtifactFolder, openKvStores, type Stores } from '@clipmesh/persistence';
import {
  type Broker,
  leakCheck,
  type Sandbox,
  startBroker,
  startSandbox,
  tempFolder,
  type TempFolder,
  until,
} from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type z } from 'zod';
import { clipGeneratorService } from '../src/clip-generator.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;
const DOWNLOADS = 3;
/** Price of 4 s from google/veo-3.1. */
const PRICE = { usd: 1.6, micros: 1_600_000 };

let broker: Broker;
let sandbox: Sandbox;
let folder: TempFolder;
let replica: Replica;
let stores: Stores;
let log: string;
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  sandbox = await startSandbox();
  folder = await tempFolder('verify');
  log = '';
  const config = loadConfig({
    NATS_URL: broker.url,
    DATA_DIR: folder.path,
    REPLICATE_API_TOKEN: 'any',
    REPLICATE_BASE_URL: `${sandbox.url}/v1`,
    // The generations of this suite are not stored, so they have no owner.
    CLIP_CACHE_SCOPE: 'shared',
    CLIP_DOWNLOAD_ATTEMPTS: String(DOWNLOADS),
    CLIP_DOWNLOAD_RETRY_FIRST_SECONDS: '0',
    CLIP_DOWNLOAD_RETRY_MAX_SECONDS: '0',
  });
  const logger = createLogger(
    { service: 'clip-generator', level: 'trace' },
    {
      write: (line: string) => {
        log += line;
      },
    },
  );
  replica = await startReplica(clipGeneratorService, { config, workerId: 'clip-generator.1', logger });
  stores = await openKvStores(await broker.connect());
}, DEADLINE_MS);

afterAll(async () => {
  await replica.stop();
  await broker.stop();
  await sandbox.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
}, DEADLINE_MS);

beforeEach(async () => {
  await sandbox.clearInvoice();
});

const FAST = { clipSeconds: { min: 0.1, max: 0.1 } };
let generations = 0;
const command = (change: Partial<ClipGenerateBody> = {}): ClipGenerateBody => ({
  generationId: `gen_${(generations += 1).toString(16).padStart(32, '0')}`,
  attempt: 1,
  scene: 0,
  model: 'google/veo-3.1',
  prompt: `kite ${generations}`,
  durationSeconds: 4,
  aspectRatio: '1:1',
  seed: 7,
  ...change,
});
type End =
  | { name: 'clip.generated'; body: z.infer<typeof ClipGenerated.schema> }
  | { name: 'clip.failed'; body: z.infer<typeof ClipFailed.schema> };

/** The answer of the clip generator to a command. */
async function make(body: ClipGenerateBody): Promise<End> {
  await replica.runtime.publish([message(ClipGenerate, body)]);
  const reading = new AbortController();
  try {
    const event = await until(
      readEvents(replica.runtime.connection, body.generationId, { signal: reading.signal }),
      DEADLINE_MS,
      `the end of ${body.generationId}`,
      ({ name, body: of }) =>
        (name === ClipGenerated.name || name === ClipFailed.name) &&
        (of as { attempt?: number }).attempt === body.attempt,
    );
    return event.name === ClipGenerated.name
      ? { name: 'clip.generated', body: ClipGenerated.schema.parse(event.body) }
      : { name: 'clip.failed', body: ClipFailed.schema.parse(event.body) };
  } finally {
    reading.abort();
  }
}
const purchases = async ({ generationId }: ClipGenerateBody): Promise<unknown[]> =>
  (await stores.purchases.list(generationId)).map(({ value: { status, predictionId } }) => [status, predictionId]);
const predictions = async (): Promise<string[]> => (await sandbox.invoice()).predictions.map(({ id }) => id);
/** Sum in micro-dollars. */
const sum = (charges: readonly { amountMicros: number }[]): number =>
  charges.reduce((total, { amountMicros }) => total + amountMicros, 0);

describe('an output that is an HTML page', () => {
  it('is downloaded again, with one purchase', async () => {
    await sandbox.scenario({ ...FAST, badDownloads: 1 });
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
    await sandbox.scenario({ ...FAST, badDownloads: DOWNLOADS });
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
    expect((await stores.cache.all()).filter(({ value }) => value.predictionId === first)).toEqual([]);

    const next = await make({ ...body, attempt: 2, model: 'google/veo-3' });
    const bought = await predictions();
    expect(next).toMatchObject({ name: 'clip.generated', body: { model: 'google/veo-3', predictionId: bought[1] } });
    expect(bought).toHaveLength(2);
    const charges = [...end.body.charges, ...next.body.charges];
    const ledger = [...new Map(charges.map((charge) => [charge.key, charge])).values()];
    expect(sum(ledger)).toBe(Math.round((await sandbox.invoice()).totalUsd * 1e6));
    // A new identical request buys from the first model again, which succeeds now.
    const again = await make({ ...command(), prompt: body.prompt });
    expect(again).toMatchObject({ name: 'clip.generated', body: { cached: false, model: body.model } });
  });
});

describe('an output', () => {
  it.each(['array', 'object', 'nested', 'files', 'data'])('in the form "%s" is a clip', async (form) => {
    await sandbox.scenario({ ...FAST, outputs: [form] });
    expect(await make(command())).toMatchObject({
      name: 'clip.generated',
      body: { clip: { contentType: 'video/mp4' } },
    });
    expect(await predictions()).toHaveLength(1);
    // No log contains the content of a data URL.
    expect(log).not.toContain('base64');
  });

  it.each(['null', 'empty', 'text'])('in the form "%s" fails the prediction, with its charge', async (form) => {
    await sandbox.scenario({ ...FAST, outputs: [form, 'url'] });
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
    await sandbox.scenario(FAST);
    const body = command();
    const first = await make(body);
    if (first.name !== 'clip.generated') throw new Error(first.body.failure.message);
    const { clip, predictionId } = first.body;
    await writeFile(join(folder.path, 'artifacts', clip.key), Buffer.alloc(clip.bytes, 1));
    expect(await make({ ...body, attempt: 2 })).toMatchObject({ name: 'clip.generated', body: { predictionId, clip } });
    expect(await predictions()).toEqual([predictionId]);
  });

  it('of the cache is bought again and not reused', async () => {
    await sandbox.scenario(FAST);
    const body = command();
    const first = await make(body);
    const [entry] = (await stores.cache.all()).filter(
      ({ value }) => first.name === 'clip.generated' && value.predictionId === first.body.predictionId,
    );
    if (entry === undefined) throw new Error('it is not in the cache');
    // An earlier version stored it without verification, so its hash is right.
    const artifacts = await openArtifactFolder({ directory: join(folder.path, 'artifacts') });
    const page = await artifacts.put(Buffer.from('<!DOCTYPE html>'), { contentType: 'video/mp4' });
    await stores.cache.save({ ...entry.value, artifact: page }, entry.revision);
    const other = await make({ ...command(), prompt: body.prompt });
    expect(other).toMatchObject({ name: 'clip.generated', body: { cached: false } });
    const third = await make({ ...command(), prompt: body.prompt });
    expect(third).toMatchObject({ body: { cached: true, clip: { contentType: 'video/mp4' } } });
    expect(await predictions()).toHaveLength(2);
  });

  it('of a prediction that the overlay rejected is bought again, once', async () => {
    await sandbox.scenario(FAST);
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
