import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient, Chaos, cleaned, eventually, ffmpegOf, LocalStack, SandboxClient } from '@clipmesh/deploy-e2e';
import { keep } from '../results/results.js';
import { createRandom } from '../simulation/random.js';

const GENERATIONS = 12;
const SCENES = 3;
const KILL_EVERY_MS = 400;
const CANCELS = 50;
/** A cancel that takes longer than this is too late, ms. */
const STOPPED_MS = 1000;
const MAKE_MS = 600_000;

const requestOf = (n: number) =>
  ({
    prompt: `Parcel number ${n} that knows its way through the city.`,
    sceneCount: SCENES,
    durationSeconds: SCENES * 3,
    aspectRatio: '1:1',
    overlays: false,
  }) as const;

const ENV = {
  ACK_WAIT_SECONDS: '2',
  PROVIDER_CALL_TIMEOUT: '2',
  ATTEMPT_SETTLE_SECONDS: '1',
  SWEEP_INTERVAL_SECONDS: '2',
  STALL_AFTER_SECONDS: '8',
};

/** Makes videos while SIGKILL ends services and the broker, then cancels generations at random moments. */
export async function benchFaults(): Promise<boolean> {
  const stack = await LocalStack.start({ args: ['--scale', 'clip-generator=3'], env: ENV });
  try {
    const kills = await underKills(stack);
    await keep({ name: 'faults', figures: kills, rows: [kills] });
    const cancels = await manyCancels(stack);
    await keep({ name: 'cancels', figures: cancels, rows: [cancels] });
    return (
      kills.succeeded === GENERATIONS &&
      kills['paid clips'] === kills.scenes &&
      kills['left over'] === 0 &&
      cancels['too late'] === 0
    );
  } finally {
    await stack.stop();
  }
}

async function underKills(stack: LocalStack) {
  const api = new ApiClient(stack.urls.gateway);
  const sandbox = new SandboxClient(stack.urls.sandbox);
  await sandbox.scenario({ clipSeconds: { min: 0.5, max: 3 } });
  const ids: string[] = [];
  for (let n = 0; n < GENERATIONS; n += 1) ids.push(await api.create(requestOf(n)));
  const random = createRandom(1);
  const chaos = new Chaos(stack, {
    everyMs: KILL_EVERY_MS,
    victims: (name) => !['sandbox.1', 'stack'].includes(name),
    random: () => random.next(),
  });
  await eventually('sixty kills', 120_000, () => (chaos.killed.length >= 60 ? true : undefined));
  await chaos.stop();
  let succeeded = 0;
  for (const id of ids) if ((await api.ended(id, MAKE_MS)).status === 'succeeded') succeeded += 1;
  const { predictions } = await sandbox.invoice();
  const left = await cleaned(stack);
  if (left.length > 0) console.log(`left over: ${left.join(', ')}`);
  return {
    generations: GENERATIONS,
    kills: chaos.killed.length,
    succeeded,
    scenes: GENERATIONS * SCENES,
    'paid clips': predictions.length,
    'left over': left.length,
  };
}

async function manyCancels(stack: LocalStack) {
  const api = new ApiClient(stack.urls.gateway);
  const sandbox = new SandboxClient(stack.urls.sandbox);
  const random = createRandom(2);
  const took: number[] = [];
  for (let n = 0; n < CANCELS; n += 1) {
    const id = await api.create(requestOf(1000 + n));
    await sleep(random.next() * 4000);
    const startMs = performance.now();
    await api.post(`/v1/generations/${id}/cancel`, {});
    await eventually('the end of all work', 30_000, async () => {
      const { predictions } = await sandbox.invoice();
      const runs = predictions.some(({ status }) => status === 'starting' || status === 'processing');
      return runs || ffmpegOf(stack).length > 0 ? undefined : true;
    });
    took.push(performance.now() - startMs);
    await api.ended(id, MAKE_MS);
  }
  took.sort((a, b) => a - b);
  return {
    cancels: CANCELS,
    'median ms': Math.round(took[CANCELS / 2] ?? 0),
    'longest ms': Math.round(took.at(-1) ?? 0),
    'too late': took.filter((ms) => ms > STOPPED_MS).length,
  };
}
