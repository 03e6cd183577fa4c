import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CancelRequested,
  ClipGenerate,
  type ClipGenerateBody,
  ClipGenerated,
  type Job,
  message,
} from '@clipmesh/contracts';
import { loadConfig } from '@clipmesh/config';
import { readBacklog, readEvents, type Replica, startReplica } from '@clipmesh/messaging';
import { openKvStores, type Stores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
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
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type z } from 'zod';
import { clipGeneratorService } from '../src/clip-generator.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;

let broker: Broker;
let sandbox: Sandbox;
let folder: TempFolder;
let stores: Stores;
let replicas: Replica[];
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  stores = await openKvStores(await broker.connect());
  sandbox = await startSandbox();
  folder = await tempFolder('clips');
  replicas = [];
  for (const workerId of ['clip-generator.1', 'clip-generator.2']) {
    const config = loadConfig({
      NATS_URL: broker.url,
      DATA_DIR: folder.path,
      TEMP_DIR: join(folder.path, 'tmp', workerId),
      REPLICATE_API_TOKEN: 'any',
      REPLICATE_BASE_URL: `${sandbox.url}/v1`,
      // One at a time, so that two messages run in two replicas.
      CLIP_CONCURRENCY: '1',
    });
    const logger = createLogger({ service: 'clip-generator', level: 'info' }, { write: () => undefined });
    replicas.push(await startReplica(clipGeneratorService, { config, workerId, logger }));
  }
});

afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  await broker.stop();
  await sandbox.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

let generations = 0;
/** The clip command of a new generation. */
async function command(prompt: string, owner = 'ann'): Promise<ClipGenerateBody> {
  const generationId = `gen_${(generations += 1).toString(16).padStart(32, '0')}`;
  const at = new Date().toISOString();
  await stores.generations.create({
    ...{ id: generationId, owner, createdAt: at, updatedAt: at, traceId: '0'.repeat(32) },
    state: initialState({ ...job, prompt }),
  });
  return { ...clip, generationId, prompt };
}
const job: Job = {
  prompt: '',
  durationSeconds: 9,
  aspectRatio: '1:1',
  seed: 7,
  overlays: false,
  models: ['google/veo-3.1'],
  window: 1,
  fallbackAfter: 3,
};
const clip = {
  attempt: 1,
  scene: 0,
  model: 'google/veo-3.1',
  durationSeconds: 4,
  aspectRatio: '1:1',
  seed: 7,
} as const;
type ClipGeneratedBody = z.infer<typeof ClipGenerated.schema>;

async function make(body: ClipGenerateBody): Promise<ClipGeneratedBody> {
  const [{ runtime } = { runtime: undefined }] = replicas;
  if (runtime === undefined) throw new Error('no replica');
  await runtime.publish([message(ClipGenerate, body)]);
  const reading = new AbortController();
  try {
    const event = await until(
      readEvents(runtime.connection, body.generationId, { signal: reading.signal }),
      DEADLINE_MS,
      `a clip of ${body.generationId}`,
      ({ name }) => name === ClipGenerated.name,
    );
    return ClipGenerated.schema.parse(event.body);
  } finally {
    reading.abort();
  }
}

describe('two replicas', () => {
  it('buy once for two generations at the same time, and a third one later', async () => {
    await sandbox.scenario({ clipSeconds: { min: 1, max: 1 } });
    const both = await Promise.all([make(await command('a red kite')), make(await command('a red kite'))]);
    const third = await make(await command('a red kite'));
    const { predictions } = await sandbox.invoice();
    expect(predictions).toHaveLength(1);
    for (const { predictionId } of [...both, third]) expect(predictionId).toBe(predictions[0]?.id);
    expect(both.map(({ cached }) => cached).sort()).toEqual([false, true]);
    expect([...both, third].flatMap(({ charges }) => charges)).toHaveLength(1);
    const ready = { status: 'ready', predictionId: predictions[0]?.id };
    expect(await stores.cache.all()).toMatchObject([{ value: ready }]);
    const others = await make(await command('a red kite', 'bob'));
    expect([others.cached, others.predictionId === ready.predictionId]).toEqual([false, false]);
    expect((await sandbox.invoice()).predictions).toHaveLength(2);
  });

  it('buy nothing for a generation after its cancel was published, even without the flag', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 30, max: 30 } });
    const [{ runtime } = { runtime: undefined }] = replicas;
    const body = await command('a green kite');
    const scenes = [0, 1, 2, 3].map((scene) => message(ClipGenerate, { ...body, scene, prompt: `kite ${scene}` }));
    await runtime?.publish(scenes);
    await until(async () => (await sandbox.invoice()).predictions.length === 2, DEADLINE_MS, 'two purchases');
    const { generationId } = body;
    const at = new Date().toISOString();
    await runtime?.publish([message(CancelRequested, { generationId, at, charges: [], reason: 'test' })]);
    const connection = await broker.connect();
    const isOver = async (): Promise<boolean> =>
      (await readBacklog(connection)).generations.size === 0 || (await sandbox.invoice()).predictions.length > 2;
    await until(isOver, DEADLINE_MS, 'the end of the commands');
    expect((await sandbox.invoice()).predictions).toHaveLength(2);
  });

  it('do not use a damaged file', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.1, max: 0.1 } });
    const first = await make(await command('a blue kite'));
    // The same length with other bytes.
    await writeFile(join(folder.path, 'artifacts', first.clip.key), Buffer.alloc(first.clip.bytes, 1));
    const second = await make(await command('a blue kite'));
    expect(second).toMatchObject({ cached: false });
    expect((await sandbox.invoice()).predictions).toHaveLength(2);
    expect(await make(await command('a blue kite'))).toMatchObject({ cached: true, predictionId: second.predictionId });
  });
});
