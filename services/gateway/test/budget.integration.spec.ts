import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { committed, periodOf } from '@clipmesh/billing';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { problem, PROMPT, startGateway, type TestGateway } from './gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
const leaks = leakCheck();
const LIMIT_USD = 20;
const BODY = { maxCostUsd: 2, durationSeconds: 9, sceneCount: 3 };
const period = periodOf('month', new Date());
const account = async () => {
  const found = await gateway.stores.accounts.get('local', period);
  if (found === undefined) throw new Error('no account');
  return found.value;
};

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-budget');
  gateway = await startGateway(broker, folder.path, {
    BUDGET_PER_OWNER_USD: String(LIMIT_USD),
    BUDGET_SWEEP_SECONDS: '0.2',
  });
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

describe('the budget of an owner', () => {
  it('accepts ten of a hundred concurrent creates when it allows ten; the others are a 402', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => gateway.create(BODY)));
    const accepted = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status }) => status === 402);
    expect([accepted.length, refused.length]).toEqual([10, 90]);
    expect(await problem(refused[0]!)).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      budget: 'owner',
      neededUsd: 2,
      leftUsd: 0,
      retryable: false,
      charged: false,
    });
    expect(committed(await account())).toBe(LIMIT_USD * 1_000_000);
    expect(await gateway.stores.generations.unfinished()).toHaveLength(10);
  });

  it('is released by the sweep for ended generations and for generations that were never stored', async () => {
    const [first] = await gateway.stores.generations.unfinished();
    await gateway.change(first!.id, { status: 'failed' });
    await until(async () => (await account()).generations[first!.id]?.open === false, 120_000, 'it is settled');
    expect(committed(await account())).toBe((LIMIT_USD - 2) * 1_000_000);
    // A gateway that crashed between the reservation and the record, long ago.
    const lost = `gen_${'0'.repeat(32)}`;
    const found = await gateway.stores.accounts.get('local', period);
    const line = { reservedMicros: 2_000_000, spentMicros: 0, open: true, run: 0 };
    const generations = { ...found!.value.generations, [lost]: line };
    await gateway.stores.accounts.save({ ...found!.value, generations }, found!.revision);
    await until(async () => (await account()).generations[lost]?.open === false, 120_000, 'it is released');
    expect((await gateway.create(BODY)).status).toBe(202);
    // A request without budget does not use up its key and creates nothing.
    for (let n = 0; n < 3; n += 1)
      expect((await gateway.create(BODY, { 'idempotency-key': 'spring' })).status).toBe(402);
    // A retry needs a new reservation.
    const retried = await gateway.call(`/v1/generations/${first!.id}/retry`, { method: 'POST' });
    expect([retried.status, (await problem(retried))['code']]).toEqual([402, 'BUDGET_EXCEEDED']);
  });

  it('is part of the usage', async () => {
    const usage = (await (await gateway.call('/v1/usage')).json()) as { budget: Record<string, unknown> };
    expect(usage.budget).toMatchObject({ period, limitUsd: 20, spentUsd: 0, reservedUsd: 20, leftUsd: 0 });
  });
});

describe('cost control before spending', () => {
  it('returns estimates from the first model alone to all models, and the models with their prices', async () => {
    const response = await gateway.call('/v1/estimates', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: PROMPT, durationSeconds: 12, sceneCount: 3, model: 'google/veo-3' }),
    });
    expect(response.status).toBe(200);
    const estimated = (await response.json()) as { lowUsd: number; highUsd: number; scenes: unknown[] };
    expect(estimated).toMatchObject({ pricesAsOf: '2026-01-01' });
    expect(estimated.scenes).toHaveLength(3);
    expect(estimated.lowUsd).toBeGreaterThanOrEqual(1.44);
    expect(estimated.highUsd).toBeGreaterThan(estimated.lowUsd);
    const { models } = (await (await gateway.call('/v1/models')).json()) as { models: { id: string }[] };
    expect(models.find(({ id }) => id === 'google/veo-3')).toEqual({
      id: 'google/veo-3',
      provider: 'replicate',
      guarantee: 'never_twice',
      usdPerSecond: 0.12,
      prices: [{ sku: 'second', usdPerSecond: 0.12 }],
      pricesAsOf: '2026-01-01',
      pricesSource: 'invented for tests',
      maxSeconds: 8,
      durations: [4, 6, 8],
      aspectRatios: ['9:16', '16:9', '1:1'],
      resolutions: [],
      audio: 'none',
      referenceImage: true,
    });
  });

  it('rejects a cap below the lowest possible cost', async () => {
    const response = await gateway.create({ maxCostUsd: 0.5, durationSeconds: 12, sceneCount: 4 });
    expect(response.status).toBe(402);
    expect(await problem(response)).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: 'generation', leftUsd: 0.5 });
  });

  it('rejects a retry whose cap no longer covers the clips after failed plans', async () => {
    const [first] = await gateway.stores.generations.unfinished();
    const { id } = first!;
    const spent = async (costMicros: number) => {
      await gateway.change(id, { status: 'failed', costMicros });
      return gateway.call(`/v1/generations/${id}/retry`, { method: 'POST' });
    };
    // The cap is 2 USD; three clips cost 1.44.
    expect(await problem(await spent(560_000))).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: 'generation' });
    expect((await spent(559_000)).status).toBe(202);
  });

  it.each([
    'from=2026-02-30',
    'from=x',
    'to=2026-1-1',
    'from=2026-02-02&to=2026-02-01',
    'from=2020-01-01&to=2026-01-01',
  ])('usage?%s is a 400', async (query) => {
    expect((await gateway.call(`/v1/usage?${query}`)).status).toBe(400);
  });
});
