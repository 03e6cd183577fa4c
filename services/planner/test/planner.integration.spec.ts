import { readFile } from 'node:fs/promises';
import { loadConfig } from '@clipmesh/config';
import {
  type Artifact,
  ClipFailed,
  ClipGenerated,
  eventNamed,
  GenerationPlan,
  type GenerationRecord,
  type GenerationState,
  type Job,
  message,
  type Outgoing,
  PlanFailed,
  PlanWritten,
  SCENE_STEPS,
  VideoStitched,
  WorkRetried,
} from '@clipmesh/contracts';
import { type ReadEvent, readEvents, type Replica, startReplica } from '@clipmesh/messaging';
import { openKvStores, type Stores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { type Broker, leakCheck, type Sandbox, startBroker, startSandbox, until } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plannerService } from '../src/planner.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;
const WINDOW = 2;
const MODELS = ['google/veo-3.1', 'google/veo-3'];
const job: Job = {
  prompt: 'A kettle that sings in the morning.',
  durationSeconds: 12,
  aspectRatio: '1:1',
  sceneCount: 4,
  seed: 7,
  cache: false,
  overlays: true,
  models: MODELS,
  window: WINDOW,
  fallbackAfter: 3,
};
const artifact = (letter: string): Artifact => ({
  key: `${letter.repeat(2)}/${letter.repeat(64)}.mp4`,
  sha256: letter.repeat(64),
  bytes: 10,
  contentType: 'video/mp4',
});

let broker: Broker;
let sandbox: Sandbox;
let replicas: Replica[];
let stores: Stores;
const leaks = leakCheck();

function start(workerId: string, openai: string, more: Readonly<Record<string, string>> = {}): Promise<Replica> {
  const config = loadConfig({
    NATS_URL: broker.url,
    OPENAI_API_KEY: 'any',
    OPENAI_BASE_URL: openai,
    LLM_ATTEMPTS: '3',
    LLM_RETRY_FIRST_SECONDS: '0.1',
    LLM_RETRY_MAX_SECONDS: '0.1',
    OPENAI_API_TIMEOUT: '120',
    TRACE_STREAM: 'false',
    ...more,
  });
  const logger = createLogger({ service: 'planner', level: 'info' }, { write: () => undefined });
  return startReplica(plannerService, { config, workerId, logger });
}

/** The settings of a server in docs/language-models.md. */
async function recipeOf(server: string): Promise<Record<string, string>> {
  const page = await readFile(new URL('../../../docs/language-models.md', import.meta.url), 'utf8');
  const [, recipe = ''] = new RegExp(`### ${server}\n\n\`\`\`sh\n(.*?)\`\`\``, 's').exec(page) ?? [];
  return Object.fromEntries(
    recipe
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
}

beforeAll(async () => {
  broker = await startBroker();
  sandbox = await startSandbox();
  replicas = [await start('planner.1', `${sandbox.url}/v1`), await start('planner.2', `${sandbox.url}/v1`)];
  stores = await openKvStores(await broker.connect());
});

afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  await broker.stop();
  await sandbox.stop();
  expect(leaks()).toEqual([]);
});

const connection = () => replicas[0]!.runtime.connection;
const publish = (...outgoing: Outgoing[]): Promise<void> => replicas[0]!.runtime.publish(outgoing);
const at = (): string => new Date().toISOString();

let count = 0;
async function begin(): Promise<string> {
  const id = `gen_${(count += 1).toString(16).padStart(32, '0')}`;
  const record: GenerationRecord = {
    id,
    owner: 'local',
    createdAt: at(),
    updatedAt: at(),
    traceId: '0'.repeat(32),
    state: initialState(job),
  };
  await stores.generations.create(record);
  await publish(message(GenerationPlan, { generationId: id, attempt: 1, job }));
  return id;
}

/** The first event of that name of the generation. */
async function eventOf(id: string, name: string): Promise<ReadEvent> {
  const reading = new AbortController();
  try {
    const events = readEvents(connection(), id, { signal: reading.signal });
    return await until(events, DEADLINE_MS, `${name} of ${id}`, (event) => event.name === name);
  } finally {
    reading.abort();
  }
}

/** Waits for a wanted state. Checks the window all the time. */
const state = (id: string, what: string, wanted: (state: GenerationState) => boolean): Promise<GenerationState> =>
  until(
    async () => {
      const now = (await stores.generations.get(id))?.value.state;
      if (now === undefined) return undefined;
      expect(now.scenes.filter(({ status }) => status === 'generating').length).toBeLessThanOrEqual(now.window);
      return wanted(now) ? now : undefined;
    },
    DEADLINE_MS,
    what,
  );
const statuses = ({ scenes }: GenerationState): string => scenes.map(({ status }) => status).join(' ');
const scenesAre = (id: string, wanted: string): Promise<GenerationState> =>
  state(id, `scenes ${wanted}`, (now) => statuses(now) === wanted);

const clip = (generationId: string, scene: number): Outgoing =>
  message(ClipGenerated, {
    generationId,
    at: at(),
    charges: [],
    scene,
    attempt: 1,
    model: MODELS[0] ?? '',
    predictionId: `p${scene}`,
    cached: false,
    clip: artifact('a'),
  });
const [, ...laterSteps] = SCENE_STEPS;
/** Status of a scene that has its clip. */
const clipped = laterSteps[0]?.status ?? 'done';
/** Ends the steps of these scenes after their clips, one after the other. */
async function finish(generationId: string, ...scenes: number[]): Promise<void> {
  for (const [number, { done, status }] of laterSteps.entries()) {
    const end = { generationId, at: at(), charges: [], attempt: 2 + number, clip: artifact('b') };
    const ends = scenes.map((scene) => ({ ...end, scene }));
    await publish(...ends.map((body) => message(eventNamed(done), body)));
    await state(generationId, `scenes after ${done}`, (now) =>
      scenes.every((scene) => now.scenes[scene]?.status !== status),
    );
  }
}

describe('the planner', () => {
  it('retries when the answer is not a plan, and charges both answers', async () => {
    await sandbox.scenario({ badPlanFirst: true });
    await sandbox.clearInvoice();
    const id = await begin();
    const { plan, charges } = PlanWritten.schema.parse((await eventOf(id, PlanWritten.name)).body);
    expect(plan).toMatchObject({ source: 'llm', durationSeconds: 12, seed: 7 });
    expect(plan.scenes.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(plan.scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)).toBe(12);
    const { failure } = WorkRetried.schema.parse((await eventOf(id, WorkRetried.name)).body);
    expect(failure).toMatchObject({ code: 'PROVIDER_BAD_ANSWER', stage: 'llm', retryable: true, charged: true });
    const { completions } = await sandbox.invoice();
    expect(completions).toHaveLength(2);
    expect(charges.map(({ key }) => key).sort()).toEqual(completions.map((one) => `completion:${one.id}`).sort());
  });

  it.each(['fenced', 'thoughts', 'sloppy'])('repairs a %s answer, with one charge', async (kind) => {
    await sandbox.scenario({ planAnswers: [kind] });
    await sandbox.clearInvoice();
    const id = await begin();
    const { plan } = PlanWritten.schema.parse((await eventOf(id, PlanWritten.name)).body);
    expect(plan.scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)).toBe(12);
    expect([plan.scenes.length, (await sandbox.invoice()).completions.length]).toEqual([4, 1]);
  });

  it('retries a truncated answer once, with more room', async () => {
    await sandbox.scenario({ planThoughtTokens: 3990 });
    await sandbox.clearInvoice();
    const id = await begin();
    const { charges } = PlanWritten.schema.parse((await eventOf(id, PlanWritten.name)).body);
    const { failure } = WorkRetried.schema.parse((await eventOf(id, WorkRetried.name)).body);
    expect(failure).toMatchObject({ code: 'PLAN_TRUNCATED', retryable: true, charged: true });
    const { completions } = await sandbox.invoice();
    expect(completions).toHaveLength(2);
    expect(charges.map(({ key }) => key).sort()).toEqual(completions.map((one) => `completion:${one.id}`).sort());
  });

  it('fails when the answer with more room is truncated too', async () => {
    await sandbox.scenario({ planThoughtTokens: 16_000 });
    await sandbox.clearInvoice();
    const id = await begin();
    const { failure, charges } = PlanFailed.schema.parse((await eventOf(id, PlanFailed.name)).body);
    expect(failure).toMatchObject({ code: 'PLAN_TRUNCATED', retryable: false, charged: true });
    expect([charges.length, (await sandbox.invoice()).completions.length]).toEqual([2, 2]);
  });

  it.each([
    ['refusal', 1],
    ['content-filter', 1],
    ['prompt-filter', 0],
  ])('does not retry after a %s', async (kind, paid) => {
    await sandbox.scenario({ planAnswers: [kind] });
    await sandbox.clearInvoice();
    const id = await begin();
    const { failure, charges } = PlanFailed.schema.parse((await eventOf(id, PlanFailed.name)).body);
    expect(failure).toMatchObject({ code: 'PREDICTION_REFUSED', stage: 'llm', retryable: false, charged: paid > 0 });
    expect([charges.length, (await sandbox.invoice()).completions.length]).toEqual([paid, paid]);
  });

  it.each(['deepseek', 'mistral', 'anthropic'])('buys a plan once from a server like %s', async (chatServer) => {
    await sandbox.scenario({ chatServer });
    await sandbox.clearInvoice();
    const id = await begin();
    const { plan, charges } = PlanWritten.schema.parse((await eventOf(id, PlanWritten.name)).body);
    expect(plan).toMatchObject({ source: 'llm', durationSeconds: 12 });
    const { completions } = await sandbox.invoice();
    expect(charges.map(({ key }) => key)).toEqual(completions.map((one) => `completion:${one.id}`));
    expect(completions).toHaveLength(1);
    expect((await stores.purchases.list(id)).map(({ value }) => [value.key, value.status])).toEqual([
      ['llm.1', 'finished'],
    ]);
  });

  it.each([
    ['Ollama', 'ollama', 'qwen2.5:7b'],
    ['vLLM', 'vllm', 'Qwen/Qwen2.5-7B-Instruct'],
  ])(
    'writes a plan for nothing and without a key with the documented settings of %s',
    async (name, chatServer, model) => {
      for (const replica of replicas.splice(0)) await replica.stop();
      const { OPENAI_BASE_URL: address, ...settings } = await recipeOf(name);
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
      replicas = [await start('planner.4', `${sandbox.url}/v1`, { OPENAI_API_KEY: '', ...settings })];
      await sandbox.scenario({ chatServer });
      const id = await begin();
      const { plan, charges } = PlanWritten.schema.parse((await eventOf(id, PlanWritten.name)).body);
      expect(plan.source).toBe('llm');
      expect(charges).toEqual([expect.objectContaining({ model, amountMicros: 0, outcome: 'succeeded' })]);
      expect(charges[0]).not.toHaveProperty('unpriced');
      expect((await stores.purchases.list(id))[0]?.value).toMatchObject({ status: 'finished', quoteMicros: 0 });
    },
  );

  it('fails with a reason when the model is unreachable', async () => {
    for (const replica of replicas.splice(0)) await replica.stop();
    replicas = [await start('planner.3', 'http://127.0.0.1:9/v1')];
    const id = await begin();
    const { failure } = PlanFailed.schema.parse((await eventOf(id, PlanFailed.name)).body);
    expect(failure).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', stage: 'llm', charged: false });
    const { status, incidents } = await state(id, 'the end', (now) => now.status === 'failed');
    expect(status).toBe('failed');
    expect(incidents.map(({ kind }) => kind)).toEqual(['retried', 'retried', 'failed']);
    await replicas.pop()?.stop();
    replicas = [await start('planner.1', `${sandbox.url}/v1`), await start('planner.2', `${sandbox.url}/v1`)];
  });
});

describe('the director, on any replica', () => {
  it('keeps the window, passes each clip on at once, and ends in plan order', async () => {
    await sandbox.scenario({});
    const id = await begin();
    await scenesAre(id, 'generating generating waiting waiting');
    await publish(clip(id, 1));
    await scenesAre(id, `generating ${clipped} generating waiting`);
    // The broker drops the second one, the director a late one.
    await publish(clip(id, 1));
    await finish(id, 1);
    await scenesAre(id, 'generating done generating waiting');
    await publish(clip(id, 2), clip(id, 0));
    await scenesAre(id, `${clipped} done ${clipped} generating`);
    await publish(clip(id, 3));
    await scenesAre(id, `${clipped} done ${clipped} ${clipped}`);
    await finish(id, 3, 0, 2);
    const composed = await state(id, 'the stitch', (now) => now.stitch !== undefined);
    expect(statuses(composed)).toBe('done done done done');
    expect(composed.scenes.map(({ index, predictionId }) => [index, predictionId])).toEqual([
      [0, 'p0'],
      [1, 'p1'],
      [2, 'p2'],
      [3, 'p3'],
    ]);
    const result = { video: artifact('c'), thumbnail: artifact('d'), durationSeconds: 12, width: 720, height: 720 };
    await publish(message(VideoStitched, { generationId: id, at: at(), charges: [], attempt: 1, result }));
    expect((await state(id, 'the end', (now) => now.status === 'succeeded')).result).toEqual(result);
    await eventOf(id, 'generation.succeeded');
  });

  it('falls back to the next model, and keeps finished scenes when a scene fails for good', async () => {
    const id = await begin();
    await scenesAre(id, 'generating generating waiting waiting');
    const failed = (attempt: number, model: string): Outgoing =>
      message(ClipFailed, {
        generationId: id,
        at: at(),
        charges: [],
        scene: 0,
        attempt,
        model,
        failure: {
          code: 'PREDICTION_FAILED',
          message: 'it failed',
          stage: 'clip',
          scene: 0,
          model,
          retryable: true,
          charged: false,
        },
      });
    await publish(failed(1, MODELS[0] ?? ''));
    const second = await state(id, 'the next model', ({ scenes }) => scenes[0]?.modelIndex === 1);
    expect(second.scenes[0]).toMatchObject({ status: 'generating', attempt: 2 });
    await publish(failed(2, MODELS[1] ?? ''));
    await scenesAre(id, 'failed generating generating waiting');
    for (const scene of [1, 2, 3]) {
      await state(id, `scene ${scene} in progress`, ({ scenes }) => scenes[scene]?.status === 'generating');
      await publish(clip(id, scene));
      await state(id, `a clip for scene ${scene}`, ({ scenes }) => scenes[scene]?.status === clipped);
      await finish(id, scene);
    }
    const ended = await state(id, 'the end', (now) => now.status === 'failed');
    expect(statuses(ended)).toBe('failed done done done');
    expect(ended.failure).toMatchObject({ code: 'PREDICTION_FAILED', stage: 'clip', scene: 0 });
  });
});
