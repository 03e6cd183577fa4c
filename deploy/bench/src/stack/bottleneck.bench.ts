import { type CreateGenerationInput } from '@clipmesh/contracts';
import { ApiClient, LocalStack, measure, type Report, SandboxClient, SlowFfmpeg } from '@clipmesh/deploy-e2e';
import { keep } from '../results/results.js';

const MAKE_MS = 300_000;
/** Cheap encodes and short polls, so that only the scenario makes a difference. */
const LIGHT = {
  FFMPEG_PRESET: 'ultrafast',
  FFMPEG_THREADS: '1',
  POLL_INTERVAL: '0.25',
  VIDEO_RETRY_FIRST_SECONDS: '2',
};
/** Sleep of an overlay in the scenario with slow overlays, seconds. */
const OVERLAY_SECONDS = 2.5;
const equal = (seconds: number): object => ({ min: seconds, max: seconds });
const QUICK = equal(0.2);

interface Scenario {
  readonly name: string;
  readonly scenario: object;
  readonly request?: Partial<CreateGenerationInput>;
  readonly stage: string;
  readonly advice: RegExp;
  /** The largest part of the gap above the lower bound. */
  readonly gap?: string;
}
const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a slow planner',
    scenario: { planSeconds: 3, clipSeconds: QUICK },
    stage: 'llm',
    advice: /^Llm is on the critical path/,
  },
  {
    name: 'one slow scene',
    scenario: { clipSeconds: [0.2, 4, 0.2] },
    stage: 'clip',
    advice: /scene \d took [\d.]+ times as long as the median/,
  },
  {
    name: 'a queue at the provider',
    scenario: { queueSeconds: 3, clipSeconds: QUICK },
    stage: 'clip',
    advice: /a wait for the provider in clip/,
    gap: 'externalMs',
  },
  {
    name: 'a rate limit',
    // The scenes exceed the creates per minute by one, so the last scene has to wait.
    scenario: { rateLimit: { perMinute: 9, retryAfterSeconds: 2 }, clipSeconds: QUICK },
    request: { sceneCount: 10, durationSeconds: 30 },
    stage: 'clip',
    advice: /the provider's rate limit in clip/,
    gap: 'externalMs',
  },
  {
    name: 'retries',
    scenario: { failEvery: 2, clipSeconds: QUICK },
    stage: 'clip',
    advice: /pauses between tries of clip/,
    gap: 'retryMs',
  },
  {
    name: 'a narrow window',
    scenario: { clipSeconds: equal(6) },
    request: { sceneCount: 4, durationSeconds: 12, parallel: { maxWorkers: 2 } },
    stage: 'clip',
    advice: /^A window of 4 scenes would save/,
  },
];
const SLOW_OVERLAYS: Scenario = {
  name: 'overlays of one worker',
  scenario: { clipSeconds: equal(0.5) },
  request: { sceneCount: 4, durationSeconds: 12 },
  stage: 'overlay',
  advice: /^\d more overlay workers? would save/,
};

let count = 0;
const largestPart = ({ gap }: Report): string =>
  Object.entries(gap).reduce((most, part) => (part[1] > most[1] ? part : most))[0];

interface Named {
  readonly row: Record<string, string>;
  readonly good: boolean;
}

async function name(
  stack: LocalStack,
  { name: cause, scenario, request, stage, advice, gap }: Scenario,
): Promise<Named> {
  await new SandboxClient(stack.urls.sandbox).scenario({ ...scenario });
  const { report } = await measure(
    new ApiClient(stack.urls.gateway),
    {
      prompt: `A small lamp for reading in bed, number ${(count += 1)}.`,
      ...{ sceneCount: 3, durationSeconds: 9, aspectRatio: '1:1' },
      ...request,
    },
    MAKE_MS,
  );
  const { bottleneck } = report;
  const good =
    bottleneck.stage === stage && advice.test(bottleneck.advice) && (gap === undefined || largestPart(report) === gap);
  const row = { cause, stage: bottleneck.stage, advice: bottleneck.advice, named: good ? 'yes' : 'no' };
  console.log(JSON.stringify(row));
  return { row, good };
}

async function onStack(
  scenarios: readonly Scenario[],
  overlaySeconds: number,
  env: Record<string, string>,
): Promise<Named[]> {
  const ffmpeg = new SlowFfmpeg(overlaySeconds);
  const stack = await LocalStack.start({ env: { ...LIGHT, FFMPEG_PATH: ffmpeg.path, ...env } });
  try {
    // The first video warms the stack up.
    await name(stack, { name: 'warm-up', scenario: { clipSeconds: QUICK }, stage: '', advice: /./ });
    const named: Named[] = [];
    for (const scenario of scenarios) named.push(await name(stack, scenario));
    return named;
  } finally {
    await stack.stop();
    ffmpeg.remove();
  }
}

/** Checks that the report of a run names the planted cause. */
export async function benchBottlenecks(): Promise<boolean> {
  const named = [
    ...(await onStack(SCENARIOS, 0, {})),
    ...(await onStack([SLOW_OVERLAYS], OVERLAY_SECONDS, { OVERLAY_CONCURRENCY: '1' })),
  ];
  await keep({ name: 'bottlenecks', figures: {}, rows: named.map(({ row }) => row) });
  return named.every(({ good }) => good);
}
