import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { findMongo, type Mongo, startMongo } from '@clipmesh/testing';
import { z } from 'zod';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { Chaos } from '../../src/stack/chaos.js';
import { eventually } from '../../src/eventually.js';
import { cleaned } from '../../src/stack/leftovers.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
const GENERATIONS = 3;
const SCENES = 3;
const REPLICAS = 2;
/** The first of VIDEO_MODELS. */
const FIRST_MODEL = 'google/veo-3.1';
const request = (n: number): CreateGenerationInput => ({
  prompt: `Lamp number ${n} that finds its way home in the dark.`,
  sceneCount: SCENES,
  durationSeconds: SCENES * 3,
  aspectRatio: '1:1',
  overlays: false,
});

interface Site {
  readonly stack: LocalStack;
  readonly api: ApiClient;
  readonly sandbox: SandboxClient;
}

async function startSite(env: Readonly<Record<string, string>>): Promise<Site> {
  const stack = await LocalStack.start({
    args: ['--scale', `clip-generator=${REPLICAS}`],
    env: {
      ...CHEAP_PICTURES,
      ACK_WAIT_SECONDS: '2',
      PROVIDER_CALL_TIMEOUT: '2',
      ATTEMPT_SETTLE_SECONDS: '1',
      SWEEP_INTERVAL_SECONDS: '2',
      STALL_AFTER_SECONDS: '8',
      VIDEO_RETRY_FIRST_SECONDS: '0.2',
      VIDEO_RETRY_MAX_SECONDS: '1',
      BUDGET_PER_OWNER_USD: '1000',
      BUDGET_SWEEP_SECONDS: '1',
      ...env,
    },
  });
  return { stack, api: new ApiClient(stack.urls.gateway), sandbox: new SandboxClient(stack.urls.sandbox) };
}

const micros = (priced: readonly { amountUsd: number }[]): number =>
  priced.reduce((sum, { amountUsd }) => sum + Math.round(amountUsd * 1_000_000), 0);

const usageSchema = z.looseObject({
  totalUsd: z.number(),
  budget: z.object({ spentUsd: z.number(), reservedUsd: z.number() }),
});

/** Waits until ended generations have no reservation, and account and ledger agree. */
async function settled(api: ApiClient): Promise<void> {
  await eventually('an account that is settled', 120_000, async () => {
    const { totalUsd, budget } = usageSchema.parse(await (await api.call('/v1/usage')).json());
    return budget.reservedUsd === 0 && totalUsd > 0 && budget.spentUsd === totalUsd ? true : undefined;
  });
}

/** Waits until all generations have succeeded, and checks the charge of the provider for each scene. */
async function makeAll({ stack, api, sandbox }: Site, ids: string[]): Promise<void> {
  for (const id of ids) await api.succeeded(id, MAKE_MS);
  const { predictions, totalUsd } = await sandbox.invoice();
  expect(predictions.map(({ status }) => status)).toEqual(predictions.map(() => 'succeeded'));
  expect(predictions).toHaveLength(ids.length * SCENES);
  let bookedMicros = 0;
  for (const id of ids) {
    const booked = await api.cost(id);
    const { scenes } = await api.read(id);
    const own = predictions.filter(({ id: prediction }) => scenes.some((scene) => scene.predictionId === prediction));
    expect(own).toHaveLength(SCENES);
    const clips = booked.entries.filter(({ key }) => key.startsWith('prediction:'));
    expect(clips.map(({ key }) => key).sort()).toEqual(
      own.map(({ id: prediction }) => `prediction:${prediction}`).sort(),
    );
    expect(micros(clips)).toBe(micros(own));
    bookedMicros += micros(booked.entries);
  }
  // Also for answers of the language model, including those that a killed planner never read.
  expect(bookedMicros).toBe(micros([{ amountUsd: totalUsd }]));
  await settled(api);
  expect(await cleaned(stack)).toEqual([]);
}

const mongoProgram = await findMongo();

describe.each(['the broker', 'MongoDB'])('with records in %s', (records) => {
  const unavailable = records === 'MongoDB' && mongoProgram === undefined;
  let mongo: Mongo | undefined;
  let site: Site;

  beforeAll(async () => {
    if (unavailable) return;
    if (records === 'MongoDB' && mongoProgram !== undefined) mongo = await startMongo(mongoProgram);
    site = await startSite({ MONGODB_URI: mongo?.database() ?? '' });
  });
  afterAll(async () => {
    await (site as Site | undefined)?.stack.stop();
    await mongo?.stop();
  });

  (unavailable ? it.skip : it)(
    'any service and the broker may be killed at any moment: every video is made, every clip is paid once',
    async () => {
      const { stack, api, sandbox } = site;
      await sandbox.scenario({ clipSeconds: { min: 0.5, max: 2 } });
      const ids = await Promise.all(Array.from({ length: GENERATIONS }, (_, n) => api.create(request(n))));
      let seed = 7;
      const chaos = new Chaos(stack, {
        everyMs: 700,
        // The sandbox has the invoice in memory; the process of the stack restarts the killed ones.
        victims: (name) => !['sandbox.1', 'stack'].includes(name),
        random: () => {
          seed = (seed * 48_271) % 0x7fffffff;
          return seed / 0x7fffffff;
        },
      });
      await eventually('a dozen kills', 60_000, () => (chaos.killed.length >= 12 ? true : undefined));
      await chaos.stop();
      await makeAll(site, ids);
    },
  );
});

describe('faults', () => {
  let site: Site;
  let api: ApiClient;
  let sandbox: SandboxClient;

  beforeAll(async () => {
    site = await startSite({});
    ({ api, sandbox } = site);
  });
  afterAll(async () => {
    // When beforeAll fails half-way, what it has started must still stop.
    await (site as Site | undefined)?.stack.stop();
  });

  it('lost replies to creates: still one prediction per scene', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.5, max: 1 }, loseReplies: 0.5 });
    await makeAll(site, [await api.create(request(11)), await api.create(request(12))]);
  });

  it('a provider that is away at times and rate-limits: all succeed within its limit', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.4 }, unavailableEvery: 4 });
    await makeAll(site, [await api.create(request(21))]);
  });

  it('a 429 storm: creates stay under the limit, and each replica wastes at most one call per cool-down', async () => {
    await sandbox.clearInvoice();
    const perMinute = 8;
    const retryAfterSeconds = 3;
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.4 }, rateLimit: { perMinute, retryAfterSeconds } });
    const ids = await Promise.all(
      [31, 32, 33].map((n) => api.create({ ...request(n), sceneCount: 4, durationSeconds: 12 })),
    );
    for (const id of ids) await api.succeeded(id, MAKE_MS);
    const events = (await Promise.all(ids.map((id) => api.events(id, 120_000)))).flat();
    const refused = events.filter(
      ({ name, data }) =>
        name === 'work.retried' && (data['failure'] as { code: string }).code === 'PROVIDER_RATE_LIMITED',
    );
    expect(refused.length).toBeGreaterThan(0);
    const at = refused.map(({ data }) => Date.parse(String(data['at'])));
    const coolDowns = Math.ceil((Math.max(...at) - Math.min(...at)) / 1000 / retryAfterSeconds) + 1;
    expect(refused.length).toBeLessThanOrEqual(coolDowns * REPLICAS);
    const { predictions } = await sandbox.invoice();
    expect(predictions).toHaveLength(12);
    expect(predictions.every(({ status }) => status === 'succeeded')).toBe(true);
    // A rate limit is not a failure of a model: none was skipped.
    for (const id of ids)
      expect((await api.read(id)).scenes.map(({ model }) => model)).toEqual(
        Array.from({ length: 4 }, () => FIRST_MODEL),
      );
  });
});
