import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed, so not a package
import { findServerOrSkip } from '../../test-servers/find.server.mjs';
import { ApiClient, SandboxClient } from '../src/api.client.js';
import { eventually } from '../src/eventually.js';
import { CHEAP_PICTURES, LocalStack } from '../src/stack/local.stack.js';
import { analyzed, brokenInvariants, measure, type Measured } from '../src/traces/reports.js';

const HANG_MS = 120_000;
const MAKE_MS = 240_000;
const QUICK = { min: 0.2, max: 0.2 };
const jaeger = await findServerOrSkip('jaeger');

let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;
let first: Measured;
let count = 0;
const make = async (scenario: object, request: Partial<CreateGenerationInput> = {}): Promise<Measured> => {
  await sandbox.scenario({ ...scenario });
  return measure(
    api,
    {
      prompt: `A small lamp for reading in bed, number ${(count += 1)}.`,
      ...{ sceneCount: 3, durationSeconds: 9, aspectRatio: '1:1' },
      ...request,
    },
    MAKE_MS,
  );
};

beforeAll(async () => {
  stack = await LocalStack.start({
    args: jaeger === undefined ? [] : ['--jaeger'],
    env: { ...CHEAP_PICTURES, VIDEO_RETRY_FIRST_SECONDS: '1' },
  });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
  first = await make({ clipSeconds: QUICK });
});
afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
});

describe('the report of a run', () => {
  it.each<[string, object, Partial<CreateGenerationInput>]>([
    ['with a queue at the provider', { queueSeconds: 1, clipSeconds: QUICK }, {}],
    [
      'with a rate limit',
      { rateLimit: { perMinute: 9, retryAfterSeconds: 2 }, clipSeconds: QUICK },
      { sceneCount: 10, durationSeconds: 30 },
    ],
    ['with retries', { failEvery: 2, clipSeconds: QUICK }, {}],
    ['in a window of 1', { clipSeconds: QUICK }, { parallel: { maxWorkers: 1 } }],
  ])('%s adds up', async (_name, scenario, request) => {
    expect(brokenInvariants((await make(scenario, request)).report)).toEqual([]);
  });

  it('has its summary in the record and the log', async () => {
    const { generation, report } = first;
    expect(brokenInvariants(report)).toEqual([]);
    const kept = await eventually(
      'a summary in the record',
      HANG_MS,
      async () => (await api.read(generation.id))['performance'],
    );
    expect(kept).toMatchObject({ complete: true, bottleneck: { stage: expect.any(String) } });
    const { makespanMs } = kept as { makespanMs: number };
    const said = stack
      .log('planner.1')
      .filter((line) => line.includes('performance of the generation'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(said.filter(({ generationId }) => generationId === generation.id)).toEqual([
      expect.objectContaining({
        level: 'info',
        makespanMs,
        speedup: expect.any(Number),
        stageMs: expect.any(Object),
        timeSavedMs: expect.any(Number),
        workers: expect.any(Object),
        bottleneck: expect.any(Object),
      }),
    ]);
  });

  (jaeger === undefined ? it.skip : it)('is the same, wherever the trace is read from', async () => {
    const { id, traceId } = first.generation;
    const url = stack.urls.jaeger ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'clipmesh-trace-'));
    try {
      const answer = await fetch(`${url}/api/traces/${traceId}`, { signal: AbortSignal.timeout(HANG_MS) });
      const file = join(folder, 'trace.json');
      writeFileSync(file, await answer.text());
      // Default: from /api/v3; the file has the answer of the other API.
      const [fromStream, fromJaeger, fromFile] = await Promise.all([
        analyzed('--generation', id, '--data', stack.dataDir),
        analyzed('--jaeger', url, '--trace', traceId),
        analyzed('--file', file),
      ]);
      expect(fromStream.traceId).toBe(traceId);
      expect(fromJaeger).toEqual(fromStream);
      expect(fromFile).toEqual(fromStream);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
