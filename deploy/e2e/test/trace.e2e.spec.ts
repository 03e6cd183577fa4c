import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed: no package of ours
import { findServerOrSkip } from '../../test-servers/find-server.mjs';
import { ApiClient, SandboxClient } from '../src/api.client.js';
import { eventually } from '../src/eventually.js';
import { LocalStack } from '../src/local.stack.js';
import { analyzed, brokenInvariants, measure, type Measured, predicted, type Report } from '../src/reports.js';
import { SlowFfmpeg } from '../src/slow.ffmpeg.js';

const MAKE_MS = 120_000;
const STEP_MS = 150_000;
/** Seconds that an overlay rests on the stacks where overlays are to be slow. */
const OVERLAY_SECONDS = 4;
/**
 * The aim is 5 %, which medians of repeated runs hold (`npm run bench -- tracing`). One run on a machine that others use
 * too, of a film of some ten seconds, gets a second more.
 */
const PREDICTION_ERROR = 0.1;
const equal = (seconds: number): object => ({ min: seconds, max: seconds });
/** Encodes so cheap, and looks at the provider so close together, that the scenario alone makes the difference. */
const LIGHT = { FFMPEG_PRESET: 'ultrafast', POLL_INTERVAL: '0.25' };
const jaeger = await findServerOrSkip('jaeger');

interface Scenario {
  readonly name: string;
  readonly scenario: object;
  readonly stage: string;
  readonly advice: RegExp;
  readonly request?: Partial<CreateGenerationInput>;
}

let count = 0;
const film = (request: Partial<CreateGenerationInput> = {}): CreateGenerationInput => ({
  prompt: `A small lamp for reading in bed, number ${(count += 1)}.`,
  sceneCount: 3,
  durationSeconds: 9,
  aspectRatio: '1:1',
  ...request,
});
const apart = (a: number, b: number): number => Math.abs(a / b - 1);
const largestPart = ({ gap }: Report): string =>
  Object.entries(gap).reduce((most, part) => (part[1] > most[1] ? part : most))[0];

describe('a stack with Jaeger beside it', () => {
  let stack: LocalStack;
  let api: ApiClient;
  let sandbox: SandboxClient;
  const make = async (scenario: object, request?: Partial<CreateGenerationInput>): Promise<Measured> => {
    await sandbox.scenario({ ...scenario });
    const measured = await measure(api, film(request), MAKE_MS);
    expect(brokenInvariants(measured.report)).toEqual([]);
    return measured;
  };

  beforeAll(async () => {
    stack = await LocalStack.start({
      args: jaeger === undefined ? [] : ['--jaeger'],
      env: { ...LIGHT, VIDEO_RETRY_FIRST_SECONDS: '4' },
    });
    api = new ApiClient(stack.urls.gateway);
    sandbox = new SandboxClient(stack.urls.sandbox);
    await make({ clipSeconds: equal(0.2) });
  }, STEP_MS);
  afterAll(async () => {
    await (stack as LocalStack | undefined)?.stop();
  }, 60_000);

  it.each<Scenario>([
    { name: 'slow clips', scenario: { clipSeconds: equal(3) }, stage: 'clip', advice: /clip/i },
    {
      name: 'a slow planner',
      scenario: { planSeconds: 3, clipSeconds: equal(0.2) },
      stage: 'llm',
      advice: /llm holds the critical path/i,
    },
    {
      name: 'one slow scene',
      scenario: { clipSeconds: [0.2, 4, 0.2] },
      stage: 'clip',
      advice: /scene \d took [\d.]+ times as long as the median/,
    },
    {
      name: 'a queue at the provider',
      scenario: { queueSeconds: 3, clipSeconds: equal(0.2) },
      stage: 'clip',
      advice: /wait for the provider/,
    },
    {
      name: 'a rate limit',
      scenario: { rateLimit: { perMinute: 30, retryAfterSeconds: 2 }, clipSeconds: equal(0.2) },
      stage: 'clip',
      advice: /a higher limit/,
      request: { sceneCount: 6, durationSeconds: 18 },
    },
    {
      name: 'retries',
      scenario: { failEvery: 2, clipSeconds: equal(0.2) },
      stage: 'clip',
      advice: /pauses between tries/,
    },
  ])(
    '$name: the report names it',
    async ({ scenario, stage, advice, request }) => {
      const { report } = await make(scenario, request);
      expect(report.bottleneck.advice).toMatch(advice);
      expect(report.bottleneck.stage).toBe(stage);
    },
    STEP_MS,
  );

  it(
    'tells by the gap what the time was lost to',
    async () => {
      const waits = await make({ queueSeconds: 6, clipSeconds: equal(0.2) });
      expect(largestPart(waits.report)).toBe('externalMs');
      const tries = await make({ failEvery: 2, clipSeconds: equal(0.2) });
      expect(largestPart(tries.report)).toBe('retryMs');
    },
    STEP_MS,
  );

  it(
    'predicts a wider window, and faster clips',
    async () => {
      const four = { sceneCount: 4, durationSeconds: 12 };
      const narrow = await make({ clipSeconds: equal(8) }, { ...four, parallel: { maxWorkers: 2 } });
      const wide = await make({ clipSeconds: equal(8) }, { ...four, parallel: { maxWorkers: 4 } });
      const fast = await make({ clipSeconds: equal(4) }, { ...four, parallel: { maxWorkers: 2 } });
      expect(apart(predicted(narrow.report, 'a window of 4'), wide.report.makespanMs)).toBeLessThan(PREDICTION_ERROR);
      expect(apart(predicted(narrow.report, 'clip twice as fast'), fast.report.makespanMs)).toBeLessThan(
        PREDICTION_ERROR,
      );
      expect(Math.abs(narrow.report.calibrationErrorPct)).toBeLessThan(1);
      expect(narrow.report.makespanMs / wide.report.makespanMs).toBeGreaterThan(1.3);
    },
    STEP_MS,
  );

  it(
    'keeps the summary in the record and says it in the log',
    async () => {
      const { generation, report } = await make({ clipSeconds: equal(0.2) });
      const kept = await eventually(
        'a summary in the record',
        20_000,
        async () => (await api.read(generation.id))['performance'],
      );
      expect(kept).toMatchObject({ complete: true, bottleneck: { stage: expect.any(String) } });
      const { makespanMs } = kept as { makespanMs: number };
      // What came after the end, such as the booking of the last charge, may have come after the summary too.
      expect(apart(makespanMs, report.makespanMs)).toBeLessThan(PREDICTION_ERROR);
      const lines = stack.log('planner.1').filter((line) => line.includes('performance of the generation'));
      const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(said.filter(({ generationId }) => generationId === generation.id)).toEqual([
        expect.objectContaining({
          level: 'info',
          makespanMs,
          speedup: expect.any(Number),
          stageMs: expect.any(Object),
        }),
      ]);
    },
    STEP_MS,
  );

  (jaeger === undefined ? it.skip : it)(
    'gives one report, wherever the trace is read from',
    async () => {
      const { generation, report } = await make({ clipSeconds: equal(0.5) });
      const { id, traceId } = generation;
      const url = stack.urls.jaeger ?? '';
      const folder = mkdtempSync(join(tmpdir(), 'clipmesh-trace-'));
      try {
        const fileOf = async (path: string): Promise<string> => {
          const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) });
          const file = join(folder, `${path.replaceAll('/', '_')}.json`);
          writeFileSync(file, await answer.text());
          return file;
        };
        const fromStream = await analyzed('--generation', id, '--data', stack.dataDir);
        // Jaeger gets its spans a moment later than the stream does.
        const fromJaeger = await eventually('the whole trace in Jaeger', 20_000, async () => {
          const found = await analyzed('--jaeger', url, '--trace', traceId);
          return found.makespanMs === fromStream.makespanMs && found.stages.length === fromStream.stages.length
            ? found
            : undefined;
        });
        expect(fromStream.traceId).toBe(report.traceId);
        expect(fromJaeger).toEqual(fromStream);
        expect(await analyzed('--file', await fileOf(`/api/v3/traces/${traceId}`))).toEqual(fromStream);
        expect(await analyzed('--file', await fileOf(`/api/traces/${traceId}`))).toEqual(fromStream);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    STEP_MS,
  );
});

describe('overlays that take their time', () => {
  const reports: Report[] = [];
  let slow: SlowFfmpeg;

  beforeAll(() => {
    slow = new SlowFfmpeg(OVERLAY_SECONDS);
  });
  afterAll(() => {
    slow.remove();
  });

  it.each([1, 2])(
    'with %i workers',
    async (workers) => {
      const stack = await LocalStack.start({
        args: ['--scale', `overlay=${workers}`],
        env: { ...LIGHT, FFMPEG_PATH: slow.path, OVERLAY_CONCURRENCY: '1' },
      });
      try {
        await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds: equal(0.5) });
        const api = new ApiClient(stack.urls.gateway);
        await measure(api, film(), MAKE_MS);
        const { report } = await measure(api, film({ sceneCount: 4, durationSeconds: 12 }), MAKE_MS);
        expect(brokenInvariants(report)).toEqual([]);
        reports.push(report);
      } finally {
        await stack.stop();
      }
    },
    STEP_MS,
  );

  it('are the bottleneck of one worker, and the gain of a second one is predicted', () => {
    const [one, two] = reports;
    if (one === undefined || two === undefined) throw new Error('there are no reports to compare');
    expect(one.bottleneck.stage).toBe('overlay');
    expect(one.bottleneck.advice).toMatch(/^\d more overlay workers? would save/);
    expect(apart(predicted(one, '2 overlay workers'), two.makespanMs)).toBeLessThan(PREDICTION_ERROR);
    expect(one.makespanMs / two.makespanMs).toBeGreaterThan(1.3);
  });
});
