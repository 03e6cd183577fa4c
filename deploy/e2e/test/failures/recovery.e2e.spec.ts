import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { cleaned } from '../../src/stack/leftovers.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
/** How long the broker is away; a variable sets a longer time for a manual test, ms. */
const AWAY_MS = Number(process.env['CLIPMESH_TEST_BROKER_AWAY_MS'] ?? 3000);
const request: CreateGenerationInput = {
  prompt: 'A lunch box that keeps soup hot until noon.',
  sceneCount: 3,
  durationSeconds: 9,
  aspectRatio: '1:1',
  overlays: false,
};

let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  stack = await LocalStack.start({
    env: {
      ...CHEAP_PICTURES,
      VIDEO_RETRY_FIRST_SECONDS: '0.1',
      VIDEO_RETRY_MAX_SECONDS: '0.5',
      VIDEO_ATTEMPTS: '1',
      VIDEO_MODELS: 'google/veo-3.1',
      ATTEMPT_SETTLE_SECONDS: '0.5',
      SEQUENTIAL_FALLBACK_AFTER: '2',
      BREAKER_FAILURES: '50',
    },
  });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
});

const retry = async (id: string): Promise<void> => {
  const answer = await api.post(`/v1/generations/${id}/retry`, {});
  expect(answer.status).toBe(202);
  await eventually('the next run', 120_000, async () => {
    const { status } = await api.read(id);
    return status === 'failed' ? undefined : true;
  });
};

describe('partial failure', () => {
  it('keeps the finished scenes, names the failed one, and a retry runs only that one', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.4 }, failEvery: 3 });
    const id = await api.create(request);
    const failed = await api.ended(id, MAKE_MS);
    expect(failed.status).toBe('failed');
    expect(failed.error).toMatchObject({ code: 'PREDICTION_FAILED', stage: 'clip', charged: false });
    const statuses = failed.scenes.map(({ status }) => status).sort();
    expect(statuses).toEqual(['done', 'done', 'failed']);
    expect(failed.error).toMatchObject({ scene: failed.scenes.find(({ status }) => status === 'failed')?.index });
    const kept = failed.scenes.flatMap(({ status, predictionId }) => (status === 'done' ? [predictionId] : []));

    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.4 } });
    await retry(id);
    const made = await api.succeeded(id, MAKE_MS);
    expect(made).toMatchObject({ run: 2 });
    // The report covers the run that made the video, which generated one clip.
    expect(made.traceId).not.toBe(failed.traceId);
    const summary = await eventually(
      'its report',
      120_000,
      async () => (await api.read(id))['performance'] ?? undefined,
    );
    expect(summary).toMatchObject({ complete: true });
    expect(await api.performance(id)).toMatchObject({
      traceId: made.traceId,
      stages: expect.arrayContaining([expect.objectContaining({ stage: 'clip', count: 1 })]),
    });
    expect(made.scenes.map(({ predictionId }) => predictionId)).toEqual(expect.arrayContaining(kept));
    const { predictions, totalUsd } = await sandbox.invoice();
    expect(predictions.map(({ status }) => status).sort()).toEqual(['failed', 'succeeded', 'succeeded', 'succeeded']);
    const booked = await eventually('the ledger', 120_000, async () => {
      const { totalUsd: sum } = await api.cost(id);
      return sum === totalUsd ? sum : undefined;
    });
    expect(booked).toBe(totalUsd);
    expect((await api.post(`/v1/generations/${id}/retry`, {})).status).toBe(409);
    const names = (await api.events(id, 120_000)).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('generation.') && name !== 'generation.progressed')).toEqual([
      'generation.failed',
      'generation.succeeded',
    ]);
    expect(await cleaned(stack)).toEqual([]);
  });

  it('does not retry a prompt that the safety filter refused', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.4 }, rejectPrompts: 'e' });
    const { status, error } = await api.ended(await api.create({ ...request, seed: 5 }), MAKE_MS);
    expect(status).toBe('failed');
    expect(error).toMatchObject({ code: 'PREDICTION_REFUSED', retryable: false, stage: 'clip' });
    expect((await sandbox.invoice()).predictions.length).toBeLessThanOrEqual(3);
  });

  it('runs one scene at a time when the provider keeps failing, and reports it', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.4 }, failEvery: 2 });
    const id = await api.create({ ...request, sceneCount: 5, durationSeconds: 15, seed: 6 });
    const { parallel } = await api.ended(id, MAKE_MS);
    expect(parallel).toMatchObject({ window: 1, fallback: { reason: 'PREDICTION_FAILED', from: 4 } });
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.4 } });
    await retry(id);
    await api.succeeded(id, MAKE_MS);
    const paid = (await sandbox.invoice()).predictions.filter(({ status }) => status === 'succeeded');
    expect(paid).toHaveLength(5);
  });
});

describe('the broker', () => {
  it('is away for a while: the API answers 503, and everything continues when it is back', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 2, max: 3 } });
    const id = await api.create({ ...request, seed: 8 });
    await eventually('clips under way', 120_000, async () =>
      (await sandbox.invoice()).predictions.length === 3 ? true : undefined,
    );
    const pids = stack.pids();
    const [starter, broker] = [pids.get('stack') ?? 0, pids.get('nats.1') ?? 0];
    // The supervisor, which would restart it at once, is paused.
    process.kill(starter, 'SIGSTOP');
    try {
      process.kill(broker, 'SIGKILL');
      const goneAtMs = Date.now();
      const refused = await api.call(`/v1/generations/${id}`);
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
      await eventually('the absence', AWAY_MS + 10_000, () => (Date.now() - goneAtMs >= AWAY_MS ? true : undefined));
    } finally {
      process.kill(starter, 'SIGCONT');
    }
    await eventually('an answer', MAKE_MS, async () => ((await api.call('/readyz')).ok ? true : undefined));
    await api.succeeded(id, MAKE_MS);
    const { predictions, totalUsd } = await sandbox.invoice();
    expect(predictions.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    await eventually('the ledger', 120_000, async () =>
      (await api.cost(id)).totalUsd === totalUsd ? true : undefined,
    );
    // Only the broker was restarted.
    const changed = [...stack.pids()].filter(([name, pid]) => pids.get(name) !== pid).map(([name]) => name);
    expect(changed).toEqual(['nats.1']);
    expect(await cleaned(stack)).toEqual([]);
  });
});
