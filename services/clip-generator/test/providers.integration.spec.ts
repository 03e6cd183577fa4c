import { ClipFailed, ClipGenerate, type ClipGenerateBody, ClipGenerated, message } from '@clipmesh/contracts';
import { loadConfig } from '@clipmesh/config';
import { readEvents, type Replica, startReplica } from '@clipmesh/messaging';
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
import { clipGeneratorService } from '../src/clip-generator.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;
const VEO = 'google/veo-3.1';
const FAL = 'fal-ai/veo3.1/fast';
const generationId = `gen_${'f'.repeat(32)}`;

let broker: Broker;
let sandbox: Sandbox;
let folder: TempFolder;
let replica: Replica;
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  sandbox = await startSandbox();
  folder = await tempFolder('providers');
  const config = loadConfig({
    NATS_URL: broker.url,
    DATA_DIR: folder.path,
    REPLICATE_API_TOKEN: 'any',
    REPLICATE_BASE_URL: `${sandbox.url}/v1`,
    FAL_KEY: 'any',
    FAL_BASE_URL: `${sandbox.url}/fal`,
    VIDEO_MODELS: `${FAL},${VEO}`,
    PROVIDER_CALL_TIMEOUT: '2',
    ATTEMPT_SETTLE_SECONDS: '0',
    CLIP_CACHE_SCOPE: 'shared',
  });
  const logger = createLogger({ service: 'clip-generator', level: 'silent' }, { write: () => undefined });
  replica = await startReplica(clipGeneratorService, { config, workerId: 'clip-generator.1', logger });
}, DEADLINE_MS);

afterAll(async () => {
  await replica.stop();
  await broker.stop();
  await sandbox.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
}, DEADLINE_MS);

/** Makes the clip of a scene. Resolves with the name of the last event. */
async function make(scene: number, more: Partial<ClipGenerateBody>): Promise<string> {
  const body: ClipGenerateBody = {
    generationId,
    attempt: 1,
    scene,
    model: FAL,
    prompt: `kite ${scene}`,
    durationSeconds: 4,
    aspectRatio: '9:16',
    seed: 7,
    ...more,
  };
  await replica.runtime.publish([message(ClipGenerate, body)]);
  const reading = new AbortController();
  try {
    const { name } = await until(
      readEvents(replica.runtime.connection, generationId, { signal: reading.signal }),
      DEADLINE_MS,
      `the end of scene ${scene}`,
      ({ name: of, body: its }) => {
        const { scene: at, attempt } = its as { scene?: number; attempt?: number };
        return (of === ClipGenerated.name || of === ClipFailed.name) && at === scene && attempt === body.attempt;
      },
    );
    return name;
  } finally {
    reading.abort();
  }
}

/** All charges of the generation by their key, which the ledger enters once. */
async function charges(count: number): Promise<Map<string, { provider: string; amountMicros: number }>> {
  const found = new Map<string, { provider: string; amountMicros: number }>();
  const reading = new AbortController();
  await until(
    readEvents(replica.runtime.connection, generationId, { signal: reading.signal }),
    DEADLINE_MS,
    `${count} charges`,
    ({ body }) => {
      const of = body as { charges?: { key: string; provider: string; amountMicros: number }[] };
      for (const charge of of.charges ?? []) found.set(charge.key, charge);
      return found.size >= count;
    },
  );
  reading.abort();
  return found;
}

describe('a generation whose scenes are bought from two providers', () => {
  it('has charges that are the invoice, with refused outputs, another provider after a failure, and a lost reply', async () => {
    const FAST = { clipSeconds: { min: 0.1, max: 0.1 } };
    await sandbox.scenario({ ...FAST, rejectOutputs: { prompts: 'bottle' } });
    expect(await make(0, {})).toBe(ClipGenerated.name);
    expect(await make(1, { prompt: 'a bottle' })).toBe(ClipFailed.name);
    expect(await make(1, { attempt: 2, model: VEO })).toBe(ClipGenerated.name);
    await sandbox.scenario({ ...FAST, loseReplies: 0.5 });
    // The second submit of the scenario has no reply: the clip is charged as assumed, and bought once more.
    expect(await make(2, { model: VEO })).toBe(ClipGenerated.name);
    expect(await make(3, {})).toBe(ClipGenerated.name);

    const { predictions, totalUsd } = await sandbox.invoice();
    expect(predictions.map(({ provider, model }) => [provider, model])).toEqual([
      ['fal', FAL],
      ['fal', FAL],
      ['replicate', VEO],
      ['replicate', VEO],
      ['fal', FAL],
      ['fal', FAL],
    ]);
    const entered = [...(await charges(predictions.length)).values()];
    expect(entered.reduce((sum, { amountMicros }) => sum + amountMicros, 0)).toBe(Math.round(totalUsd * 1_000_000));
    expect(entered.filter(({ provider }) => provider === 'fal')).toHaveLength(4);
  });
});
