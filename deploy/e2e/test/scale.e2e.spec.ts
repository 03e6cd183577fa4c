import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput, SERVICE_PROGRAMS } from '@clipmesh/contracts';
import { ApiClient, SandboxClient } from '../src/api.client.js';
import { eventually } from '../src/eventually.js';
import { CHEAP_PICTURES, LocalStack } from '../src/stack/local.stack.js';
import { isAlive } from '../src/stack/processes.js';
import { KEYS, mostClipsAtOnce, named, TraceCollector } from '../src/traces/trace.collector.js';

const MAKE_MS = 240_000;
const SCENES = 6;
const prompt = 'A backpack that charges a phone while its owner walks.';
const request: CreateGenerationInput = {
  prompt,
  sceneCount: SCENES,
  durationSeconds: SCENES * 3,
  aspectRatio: '1:1',
  overlays: false,
  parallel: { maxWorkers: SCENES },
};

let stack: LocalStack;
let collector: TraceCollector;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  collector = await TraceCollector.start();
  stack = await LocalStack.start({
    args: ['--scale', 'clip-generator=3'],
    env: {
      ...CHEAP_PICTURES,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      CLIP_CONCURRENCY: '2',
      ACK_WAIT_SECONDS: '3',
    },
  });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
  await (collector as TraceCollector | undefined)?.close();
});

describe('three clip generators', () => {
  it('are three processes with their own pids and logs', () => {
    const names = [...stack.pids().keys()].sort();
    expect(names).toEqual(
      [
        ...['clip-generator.2', 'clip-generator.3', 'nats.1', 'stack'],
        ...SERVICE_PROGRAMS.map((program) => `${program}.1`),
      ].sort(),
    );
    expect([...stack.pids().values()].every(isAlive)).toBe(true);
  });

  it('share the clips of one generation', async () => {
    const clipSeconds = { min: 0.5, max: 0.5 };
    await sandbox.scenario({ clipSeconds, hold: Array.from({ length: SCENES }, (_, index) => index) });
    const id = await api.create(request);
    await eventually('all clips under way', 120_000, async () => {
      const { predictions } = await sandbox.invoice();
      return predictions.filter(({ status }) => status === 'processing').length === SCENES ? true : undefined;
    });
    await sandbox.scenario({ clipSeconds });
    const { traceId } = await api.succeeded(id, MAKE_MS);
    const trace = await collector.complete(traceId, 'process generation.succeeded', 120_000);
    const clips = named(trace, 'process clip.generate', 'clip-generator');
    expect(clips).toHaveLength(SCENES);
    expect(mostClipsAtOnce(trace)).toBe(SCENES);
    const workers = clips.map((span) => span.attributes[KEYS.worker]);
    expect([...new Set(workers)].sort()).toEqual(['clip-generator.1', 'clip-generator.2', 'clip-generator.3']);
  });

  it('survive a SIGKILL of one: it is restarted, and every clip is still bought once', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 4, max: 4 } });
    const id = await api.create({ ...request, prompt: `${prompt} At night.` });
    await eventually('all clips under way', 120_000, async () =>
      (await sandbox.invoice()).predictions.length === SCENES ? true : undefined,
    );
    const name = 'clip-generator.2';
    const killed = stack.pids().get(name) ?? 0;
    process.kill(killed, 'SIGKILL');
    const pid = await eventually('a new process', 120_000, () => {
      const now = stack.pids().get(name);
      return now === undefined || now === killed ? undefined : now;
    });
    const generation = await api.succeeded(id, MAKE_MS);
    expect(isAlive(pid)).toBe(true);
    expect(isAlive(killed)).toBe(false);
    const { predictions } = await sandbox.invoice();
    expect(predictions.map((one) => one.id).sort()).toEqual(
      generation.scenes.map((scene) => scene.predictionId).sort(),
    );
    expect(predictions.every(({ status }) => status === 'succeeded')).toBe(true);
    await eventually('a ledger that equals the invoice', 120_000, async () => {
      const [{ totalUsd }, invoice] = await Promise.all([api.cost(id), sandbox.invoice()]);
      return Math.round(totalUsd * 1e6) === Math.round(invoice.totalUsd * 1e6) ? true : undefined;
    });
  });
});

it('two stacks with their own ports and folders are independent', async () => {
  const other = await LocalStack.start({
    env: { ...CHEAP_PICTURES, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ENABLE_PARALLEL_VIDEO_GENERATION: 'false' },
  });
  try {
    const otherApi = new ApiClient(other.urls.gateway);
    const otherSandbox = new SandboxClient(other.urls.sandbox);
    await Promise.all([sandbox.clearInvoice(), sandbox.scenario({ clipSeconds: { min: 0.5, max: 0.5 } })]);
    await otherSandbox.scenario({ clipSeconds: { min: 0.5, max: 0.5 } });
    const before = await api.list();
    const small = { ...request, sceneCount: 3, durationSeconds: 9 };
    const [here, there] = await Promise.all([api.create(small), otherApi.create(small)]);
    const [, second] = await Promise.all([api.succeeded(here, MAKE_MS), otherApi.succeeded(there, MAKE_MS)]);
    expect(await otherApi.list()).toEqual([there]);
    expect((await api.list()).filter((id) => !before.includes(id))).toEqual([here]);
    expect((await sandbox.invoice()).predictions).toHaveLength(3);
    expect((await otherSandbox.invoice()).predictions).toHaveLength(3);
    // The settings of the second stack, not the request, run one clip at a time.
    const trace = await collector.complete(second.traceId, 'process generation.succeeded', 120_000);
    expect(mostClipsAtOnce(trace)).toBe(1);
  } finally {
    await other.stop();
  }
  expect((await api.call('/readyz')).status).toBe(200);
});
