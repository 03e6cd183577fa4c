import { type CreateGenerationInput, type PlanEdit } from '@clipmesh/contracts';
import { freePort, type Sandbox, startSandbox } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { Chaos } from '../../src/stack/chaos.js';
import { eventually } from '../../src/eventually.js';
import { cleaned } from '../../src/stack/leftovers.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 600_000;
const SCENES = 7;
const KILLS = 12;
/** The model at Replicate fails on this word, and the one at fal on the other. */
const [BRASS, COPPER] = ['brass', 'copper'];
/** Two scenes fail at Replicate and are made by fal; two more fail at fal too, and are made by Cog. */
const edit: PlanEdit = {
  scenes: [
    ...[3, 4].map((index) => ({ index, description: `A lamp of ${BRASS} crosses street ${index}.` })),
    ...[5, 6].map((index) => ({ index, description: `A lamp of ${BRASS} and ${COPPER} crosses street ${index}.` })),
  ],
};
const request: CreateGenerationInput = {
  prompt: 'A lamp that finds its way home in the dark.',
  sceneCount: SCENES,
  durationSeconds: SCENES * 4,
  aspectRatio: '9:16',
  overlays: false,
  mode: 'review',
};

const micros = (priced: readonly { amountUsd: number }[]): number =>
  priced.reduce((sum, { amountUsd }) => sum + Math.round(amountUsd * 1_000_000), 0);
/** The amount of each entry, in micro-dollars, by key. */
const byKey = (entries: readonly { key: string; amountUsd: number }[]): Record<string, number> =>
  Object.fromEntries(entries.map((entry) => [entry.key, micros([entry])]));

describe('a generation whose clips fall back from Replicate to fal, and from fal to Cog', () => {
  let fal: Sandbox | undefined;
  let cog: Sandbox | undefined;
  let stack: LocalStack | undefined;

  beforeAll(async () => {
    [fal, cog] = [await startSandbox(), await startSandbox()];
    const port = await freePort();
    stack = await LocalStack.start({
      port,
      args: ['--scale', 'clip-generator=2'],
      env: {
        ...CHEAP_PICTURES,
        VIDEO_MODELS: 'google/veo-3.1-fast,fal-ai/veo3.1/fast,cog/animatic',
        FAL_KEY: 'id:secret',
        FAL_BASE_URL: `${fal.url}/fal`,
        FAL_JWKS_URL: `${fal.url}/fal/.well-known/jwks.json`,
        COG_ENDPOINTS: `cog/animatic=${cog.url}/cog/cog/animatic`,
        // With reports, a lost purchase of fal and of Cog is found.
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        COG_WEBHOOK_URL: `http://127.0.0.1:${port}`,
        PROVIDER_WEBHOOK_SECRET: 'a-secret-of-the-tests-long-enough',
        FAL_REPORT_TIMEOUT: '120',
        COG_REPORT_TIMEOUT: '120',
        ACK_WAIT_SECONDS: '2',
        PROVIDER_CALL_TIMEOUT: '5',
        ATTEMPT_SETTLE_SECONDS: '1',
        SWEEP_INTERVAL_SECONDS: '2',
        STALL_AFTER_SECONDS: '8',
        VIDEO_RETRY_FIRST_SECONDS: '0.2',
        VIDEO_RETRY_MAX_SECONDS: '1',
        BREAKER_FAILURES: '100',
      },
    });
  });
  afterAll(async () => {
    await stack?.stop();
    await Promise.all([fal?.stop(), cog?.stop()]);
  });

  it('has a ledger that equals the three invoices, although services and the broker are killed', async () => {
    const [here, api, replicate] = [stack!, new ApiClient(stack!.urls.gateway), new SandboxClient(stack!.urls.sandbox)];
    // Some creates are taken, and never answered.
    const slow = { clipSeconds: { min: 1, max: 3 } };
    const failOn = (prompts: string) => ({ failPrompts: { prompts, error: 'the gears of the engine do not turn' } });
    await replicate.scenario({ ...slow, ...failOn(BRASS), loseReplies: 0.3 });
    await fal!.scenario({ ...slow, ...failOn(COPPER), loseReplies: 0.5 });
    await cog!.scenario(slow);
    const id = await api.create(request);
    await eventually('the plan', MAKE_MS, async () =>
      (await api.read(id)).status === 'awaiting_approval' ? true : undefined,
    );
    const edited = await api.call(`/v1/generations/${id}/plan`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(edit),
    });
    expect(edited.status).toBe(200);
    expect((await api.post(`/v1/generations/${id}/approve`, {})).status).toBe(202);
    let seed = 11;
    const chaos = new Chaos(here, {
      everyMs: 1500,
      // The sandbox has the invoice in memory; the process of the stack restarts the killed ones.
      victims: (name) => !['sandbox.1', 'stack'].includes(name),
      random: () => {
        seed = (seed * 48_271) % 0x7fffffff;
        return seed / 0x7fffffff;
      },
    });
    await eventually('a dozen kills', MAKE_MS, () => (chaos.killed.length >= KILLS ? true : undefined));
    await chaos.stop();
    await api.succeeded(id, MAKE_MS);

    const invoices = { replicate: await replicate.invoice(), fal: await fal!.invoice(), cog: await cog!.invoice() };
    const keys = Object.values(invoices).flatMap(({ predictions }) => predictions.map(({ key }) => key));
    expect(new Set(keys).size).toBe(keys.length);
    expect(invoices.replicate.predictions).toHaveLength(SCENES);

    const { entries } = await api.cost(id);
    // A failed prediction that costs nothing has no entry.
    const billed = [
      ...invoices.replicate.predictions.map((one) => ({ ...one, key: `prediction:${one.id}` })),
      ...invoices.fal.predictions.map((one) => ({ ...one, key: `prediction:fal:${one.id}` })),
      // The id of a prediction at Cog is the key of its purchase.
      ...invoices.cog.predictions.map((one) => ({ ...one, key: `prediction:cog:${one.key}` })),
    ].filter(({ amountUsd }) => amountUsd > 0);
    expect(byKey(entries.filter(({ key }) => key.startsWith('prediction:')))).toEqual(byKey(billed));
    // A buyer that died between its intent and its call leaves a purchase that neither fal nor Cog can deny.
    const assumed = entries.filter(({ key }) => key.startsWith('purchase:'));
    const allowed = { fal: 4 + assumed.length, cog: 2 + assumed.length };
    expect(invoices.fal.predictions.length).toBeLessThanOrEqual(allowed.fal);
    expect(invoices.cog.predictions.length).toBeLessThanOrEqual(allowed.cog);
    // Also for answers of the language model.
    const invoiced = micros(Object.values(invoices).map(({ totalUsd }) => ({ amountUsd: totalUsd })));
    expect(micros(entries) - micros(assumed)).toBe(invoiced);
    expect(await cleaned(here)).toEqual([]);
  });
});
