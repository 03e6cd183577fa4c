import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { z } from 'zod';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { Command } from '../../src/stack/command.runner.js';
import { eventually } from '../../src/eventually.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';
import { TraceCollector } from '../../src/traces/trace.collector.js';

const MAKE_MS = 240_000;
const [FIRST, SECOND] = ['google/veo-3.1', 'google/veo-3'];
const request: CreateGenerationInput = {
  prompt: 'A doorbell that knows who is coming.',
  sceneCount: 3,
  durationSeconds: 9,
  aspectRatio: '1:1',
  overlays: false,
};

let stack: LocalStack;
let collector: TraceCollector;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  collector = await TraceCollector.start();
  stack = await LocalStack.start({
    env: {
      ...CHEAP_PICTURES,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      VIDEO_MODELS: `${FIRST},${SECOND}`,
      VIDEO_ATTEMPTS: '2',
      VIDEO_RETRY_FIRST_SECONDS: '0.1',
      VIDEO_RETRY_MAX_SECONDS: '0.2',
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
  await (collector as TraceCollector | undefined)?.close();
});

/** The log lines of a service about a generation, as level and message. */
const logged = (name: string, id: string): string[] =>
  stack
    .log(name)
    .filter((line) => line.includes(`"generationId":"${id}"`))
    .map((line) => JSON.parse(line) as { level: string; msg: string })
    .map(({ level, msg }) => `${level}: ${msg}`);

const spanEvents = (traceId: string, wanted: readonly string[]): Promise<true> =>
  eventually(`the span events ${wanted.join(', ')}`, 120_000, () =>
    wanted.every((name) => collector.eventNames(traceId).has(name)) ? true : undefined,
  );

const lettersSchema = z.array(
  z.looseObject({ sequence: z.int(), subject: z.string(), reason: z.object({ code: z.string() }) }),
);

async function deadLetters(...args: string[]): Promise<string> {
  const command = new Command('deploy/local/dist/dead.letters.js', [...args, '--data', stack.dataDir]);
  const { code, stdout, stderr } = await command.end(120_000);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const lettersOf = async (id: string): Promise<z.infer<typeof lettersSchema>> =>
  lettersSchema.parse(JSON.parse(await deadLetters('list', '--generation', id, '--json')));

describe('the record, the log and the trace have', () => {
  it('every retry, every model fallback, and the reason of the sequential fallback', async () => {
    await sandbox.scenario({ clipSeconds: { min: 0.1, max: 0.2 }, failEvery: 1 });
    const id = await api.create(request);
    const { status, error, traceId, incidents, parallel, scenes } = await api.ended(id, MAKE_MS);
    expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'PREDICTION_FAILED', stage: 'clip' } });
    expect(scenes.map(({ model }) => model)).toEqual([SECOND, SECOND, SECOND]);
    expect(parallel).toMatchObject({ window: 1, fallback: { reason: 'PREDICTION_FAILED', from: 4 } });
    // Each scene is tried twice with the first model and twice with the second.
    for (const scene of [0, 1, 2])
      for (const model of [FIRST, SECOND])
        for (const kind of ['retried', 'failed'])
          expect(incidents).toContainEqual(
            expect.objectContaining({ kind, scene, model, code: 'PREDICTION_FAILED', stage: 'clip' }),
          );
    expect(incidents).toHaveLength(12);

    const made = logged('clip-generator.1', id);
    expect(made.filter((line) => line === 'warn: the try failed; retrying')).toHaveLength(6);
    expect(made.filter((line) => line === 'error: the message was given up')).toHaveLength(6);
    const directed = logged('planner.1', id);
    expect(directed.filter((line) => line === 'warn: model failed; falling back to the next model')).toHaveLength(3);
    expect(directed).toContain('warn: repeated provider failures; running the remaining scenes one at a time');
    expect(directed).toContain('error: generation failed');
    await spanEvents(traceId, ['clipmesh.retry', 'clipmesh.model_fallback', 'clipmesh.fallback', 'exception']);

    // A dead letter can be listed, shown and replayed; here it fails again.
    const letters = await lettersOf(id);
    expect(letters.map(({ reason }) => reason.code)).toEqual(Array.from({ length: 6 }, () => 'PREDICTION_FAILED'));
    const { sequence } = letters[0] ?? { sequence: 0 };
    expect(await deadLetters('show', String(sequence))).toContain(`"generationId":"${id}"`);
    expect(await deadLetters('replay', String(sequence))).toMatch(/^Sent again to clip\.generate\./);
    await eventually('the new dead letter', 120_000, async () => {
      const now = (await lettersOf(id)).map((letter) => letter.sequence);
      return now.length === 6 && !now.includes(sequence) ? true : undefined;
    });
  });

  it('a cancel, and what it has stopped', async () => {
    await sandbox.scenario({ clipSeconds: { min: 30, max: 30 } });
    await sandbox.clearInvoice();
    const id = await api.create({ ...request, seed: 3 });
    await eventually('clips in flight', 120_000, async () =>
      (await sandbox.invoice()).predictions.length === 3 ? true : undefined,
    );
    expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
    const { status, traceId } = await api.ended(id, 120_000);
    expect(status).toBe('canceled');
    await eventually('three canceled predictions in the log', 120_000, () =>
      logged('clip-generator.1', id).filter((line) => line === 'info: prediction canceled').length >= 3
        ? true
        : undefined,
    );
    expect(logged('planner.1', id)).toContain('info: generation canceled');
    await spanEvents(traceId, ['clipmesh.stopped']);
  });

  it('their own trace, whatever traceparent the client sends', async () => {
    const caller = 'c'.repeat(32);
    const traceparent = `00-${caller}-${'d'.repeat(16)}-00`;
    const response = await api.call('/v1/generations/none', { headers: { traceparent } });
    const { traceId } = z.object({ traceId: z.string() }).parse(await response.json());
    expect(traceId).not.toBe(caller);
    await eventually('its spans', 120_000, () => collector.trace(traceId));
  });
});
