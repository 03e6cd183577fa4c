import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, ClipmeshError, type Job } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { type CacheStore, createMemoryStores } from '@clipmesh/persistence';
import { planFromTemplate } from '@clipmesh/pipeline';
import { completionCharge, type PlanAnswer, type PlanModel } from '@clipmesh/providers';
import { cacheOf, idOf } from '../../test/fake.cache.js';
import { noAbort } from '../../test/fake.provider.js';
import { planKey } from './plan.cache.js';
import { buyPlan, type PlanPurchaseDeps } from './plan.purchase.js';

const job: Job = {
  prompt: 'A kettle that sings.',
  durationSeconds: 12,
  aspectRatio: '16:9',
  seed: 7,
  overlays: true,
  models: ['google/veo-3.1'],
  window: 4,
  fallbackAfter: 3,
};
const { scenes, ...rest } = planFromTemplate(job);
const draft = { ...rest, scenes: scenes.map((scene) => ({ ...scene, overlayText: 'Hear it sing' })) };
const AT = '2026-01-02T03:04:05.678Z';

let asked: number;
let failures: ClipmeshError[];
/** Whether each call had more room for its answer. */
let moreRooms: boolean[];
let deps: PlanPurchaseDeps;
let store: CacheStore;
/** Cache scope by generation. Generations without one share a scope. */
let owners: Map<string, string>;
/** The answers that the provider stores, by the key of the call. */
let stored: Map<string, PlanAnswer>;

beforeEach(() => {
  asked = 0;
  failures = [];
  moreRooms = [];
  owners = new Map();
  stored = new Map();
  const { purchases, cache } = createMemoryStores();
  store = cache;
  const planModel: PlanModel = {
    model: 'gpt',
    quoteMicros: 900,
    charge: completionCharge,
    find: (key) => Promise.resolve(stored.get(key)),
    draft: async ({ hasMoreRoom }) => {
      asked += 1;
      moreRooms.push(hasMoreRoom === true);
      await systemClock.sleep(5);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return { completionId: `c${asked}`, model: 'gpt', inputTokens: 10, outputTokens: 10, draft };
    },
  };
  deps = {
    planModel,
    purchases,
    logger: { info: () => undefined, warn: () => undefined },
    isCanceled: () => Promise.resolve(false),
    cache: { ...cacheOf(store, (id) => owners.get(id)), provider: 'shop', timeoutMs: 5000 },
  };
});

describe('the key of a plan', () => {
  it('depends on the input of the model, and on nothing else', () => {
    const key = planKey('shop', 'gpt', job);
    expect(planKey('shop', 'gpt', { ...job, seed: 8, overlays: false, window: 1, metadata: { a: 'b' } })).toBe(key);
    const keys = [
      planKey('another shop', 'gpt', job),
      planKey('shop', 'another', job),
      ...(
        [
          { prompt: 'A pan that sings.' },
          { durationSeconds: 15 },
          { aspectRatio: '9:16' },
          { sceneCount: 2 },
          { framework: 'BAB' },
        ] as Partial<Job>[]
      ).map((change) => planKey('shop', 'gpt', { ...job, ...change })),
    ];
    expect(new Set([key, ...keys]).size).toBe(keys.length + 1);
  });
});

describe('a plan', () => {
  it('is bought once by several generations, and is free for the others', async () => {
    const all = await Promise.all([1, 2, 3].map((n) => buyPlan(deps, idOf(n), job, noAbort)));
    const later = await buyPlan(deps, idOf(4), { ...job, seed: 9 }, noAbort);
    expect(asked).toBe(1);
    expect([...all, later].flatMap(({ charges }) => charges)).toHaveLength(1);
    expect(new Set(all.map(({ plan }) => JSON.stringify(plan))).size).toBe(1);
    expect(later.plan).toEqual({ ...all[0]?.plan, seed: 9 });
  });

  it('of another owner is bought again, without waiting', async () => {
    owners = new Map([
      [idOf(1), 'owner:ann'],
      [idOf(2), 'owner:bob'],
      [idOf(3), 'owner:ann'],
    ]);
    const all = await Promise.all([1, 2, 3].map((n) => buyPlan(deps, idOf(n), job, noAbort)));
    expect(asked).toBe(2);
    expect(all.map(({ charges }) => charges.length).sort()).toEqual([0, 1, 1]);
    expect((await buyPlan(deps, idOf(2), job, noAbort)).charges).toHaveLength(1);
    expect(asked).toBe(2);
  });

  it('is not bought when the generation was canceled before the call', async () => {
    const canceled = { ...deps, isCanceled: () => Promise.resolve(true) };
    await expect(buyPlan(canceled, idOf(1), job, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(asked).toBe(0);
    expect((await deps.purchases.list(idOf(1))).map(({ value }) => value.status)).toEqual(['failed']);
    expect((await buyPlan(deps, idOf(2), job, noAbort)).charges).toHaveLength(1);
  });

  it('is bought by a waiting generation when the call fails', async () => {
    failures = [new ClipmeshError('PROVIDER_UNAVAILABLE', '503')];
    const first = buyPlan(deps, idOf(1), job, noAbort);
    const refused = expect(first).rejects.toThrow('503');
    while (asked === 0) await systemClock.sleep(1);
    const second = await buyPlan(deps, idOf(2), job, noAbort);
    await refused;
    expect(asked).toBe(2);
    expect(second.charges).toHaveLength(1);
  });

  it('is stored with its purchase, which restores a lost cache entry', async () => {
    const first = await buyPlan(deps, idOf(1), job, noAbort);
    for (const { value, revision } of await store.all()) await store.remove(value.key, revision);
    expect((await buyPlan(deps, idOf(1), job, noAbort)).plan).toEqual(first.plan);
    expect((await buyPlan(deps, idOf(2), job, noAbort)).charges).toEqual([]);
    expect(asked).toBe(1);
  });

  it('is bought again when the cache is disabled, or its entry is not a plan', async () => {
    await buyPlan(deps, idOf(1), job, noAbort);
    await buyPlan(deps, idOf(2), { ...job, cache: false }, noAbort);
    await buyPlan({ ...deps, cache: undefined }, idOf(3), job, noAbort);
    expect(asked).toBe(3);
    for (const { value, revision } of await store.all())
      await store.save({ ...value, answer: { no: 'plan' } }, revision);
    expect((await buyPlan(deps, idOf(4), job, noAbort)).charges).toHaveLength(1);
    expect(asked).toBe(4);
  });
});

describe('a truncated answer', () => {
  const charge = (n: number): Charge => ({
    ...{ key: `completion:cut${n}`, kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt' },
    ...{ quantity: 70, unit: 'token', amountMicros: 9, outcome: 'failed' },
  });
  const cut = (n: number): ClipmeshError => new ClipmeshError('PLAN_TRUNCATED', 'cut off', { charges: [charge(n)] });
  const plan = (n: number, change: Partial<Job> = {}): Promise<unknown> =>
    buyPlan(deps, idOf(n), { ...job, ...change }, noAbort).catch((error: unknown) => error);

  it('is retried once with more room, and both answers are charged', async () => {
    failures = [cut(1)];
    expect(await plan(1)).toMatchObject({ code: 'PLAN_TRUNCATED', retryable: true, charges: [charge(1)] });
    expect(await plan(1)).toMatchObject({ charges: [{ key: 'completion:cut1' }, { key: 'completion:c2' }] });
    expect(moreRooms).toEqual([false, true]);
  });

  it('fails for good the second time, with both charges', async () => {
    failures = [cut(1), cut(2)];
    await plan(1);
    expect(await plan(1)).toMatchObject({ code: 'PLAN_TRUNCATED', retryable: false, charges: [charge(1), charge(2)] });
    expect(moreRooms).toEqual([false, true]);
  });

  it('does not give more room to another request, or after another failure', async () => {
    failures = [cut(1), new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charge(3)] })];
    await plan(1);
    await plan(2);
    await plan(2);
    await plan(1, { prompt: 'A pan that sings.' });
    expect(moreRooms).toEqual([false, false, false, false]);
  });

  it('is recognized when it is found after its planner was killed', async () => {
    failures = [new ClipmeshError('PROVIDER_UNAVAILABLE', 'lost')];
    await plan(1);
    const found: PlanModel = { ...deps.planModel, find: () => Promise.reject(cut(1)) };
    expect(await buyPlan({ ...deps, planModel: found }, idOf(1), job, noAbort)).toMatchObject({
      charges: [{ key: 'completion:cut1' }, { key: 'completion:c2' }],
    });
    expect(moreRooms).toEqual([false, true]);
  });
});

describe('a lost answer', () => {
  const lost: PlanAnswer = { completionId: 'lost', model: 'gpt', inputTokens: 30, outputTokens: 40, draft };
  const keys = (charges: readonly { key: string }[]): string[] => charges.map(({ key }) => key).sort();
  const killed = () =>
    deps.purchases.create({
      ...{ key: 'llm.1', generationId: idOf(1), kind: 'llm', status: 'intended', model: 'gpt' },
      ...{ fingerprint: 'of the killed planner', createdAt: AT, updatedAt: AT },
    });

  it('is found and charged after its planner was killed, and is the plan of the same request', async () => {
    await buyPlan({ ...deps, cache: undefined }, idOf(1), job, noAbort);
    const [entry] = await deps.purchases.list(idOf(1));
    const { answer: _answer, charge: _charge, ...unread } = entry!.value;
    await deps.purchases.save({ ...unread, status: 'intended' }, entry!.revision);
    stored.set(`${idOf(1)}.llm.1`, lost);
    const { charges } = await buyPlan(deps, idOf(1), job, noAbort);
    expect([asked, keys(charges)]).toEqual([1, ['completion:lost']]);
    expect((await deps.purchases.list(idOf(1)))[0]?.value).toMatchObject({ status: 'finished', answer: lost });
  });

  it('is charged in addition to its replacement when it appears later', async () => {
    await killed();
    const { planModel } = deps;
    const late: PlanModel = {
      ...planModel,
      draft: async (...args) => {
        const answer = await planModel.draft(...args);
        stored.set(`${idOf(1)}.llm.1`, lost);
        return answer;
      },
    };
    const { charges } = await buyPlan({ ...deps, planModel: late }, idOf(1), job, noAbort);
    expect([asked, keys(charges)]).toEqual([1, ['completion:c1', 'completion:lost']]);
  });

  it('is charged even when the cache has the plan by then', async () => {
    await buyPlan(deps, idOf(2), job, noAbort);
    await killed();
    stored.set(`${idOf(1)}.llm.1`, lost);
    const { charges } = await buyPlan(deps, idOf(1), job, noAbort);
    expect([asked, keys(charges)]).toEqual([1, ['completion:lost']]);
  });

  it('is searched for at once when the call fails, and is then not bought again', async () => {
    failures = [new ClipmeshError('PROVIDER_TIMEOUT', 'late')];
    stored.set(`${idOf(1)}.llm.1`, lost);
    const refused = await buyPlan(deps, idOf(1), job, noAbort).catch((error: unknown) => error as ClipmeshError);
    expect(refused).toMatchObject({ code: 'PROVIDER_TIMEOUT', retryable: true });
    expect(keys((refused as ClipmeshError).charges)).toEqual(['completion:lost']);
    const { charges } = await buyPlan(deps, idOf(1), job, noAbort);
    expect([asked, keys(charges)]).toEqual([1, ['completion:lost']]);
  });

  it.each<[ConstructorParameters<typeof ClipmeshError>[0], string]>([
    ['PROVIDER_RATE_LIMITED', 'failed'],
    ['PROVIDER_AUTH', 'failed'],
    ['PROVIDER_UNAVAILABLE', 'unanswered'],
  ])('decides the status of its purchase: after %s it is %s', async (code, status) => {
    failures = [new ClipmeshError(code, 'no')];
    await expect(buyPlan(deps, idOf(1), job, noAbort)).rejects.toThrow('no');
    expect((await deps.purchases.list(idOf(1)))[0]?.value.status).toBe(status);
  });

  it('is reported by a try that times out waiting for another generation', async () => {
    await killed();
    stored.set(`${idOf(1)}.llm.1`, { ...lost, draft: { ...draft, scenes: draft.scenes.slice(3) } });
    failures = [new ClipmeshError('PROVIDER_UNAVAILABLE', 'no')];
    await expect(buyPlan(deps, idOf(1), job, noAbort)).rejects.toThrow('no');
    const { cache } = deps;
    if (cache === undefined) throw new Error('no cache');
    let release = (): void => undefined;
    const { draft: write } = deps.planModel;
    const slow: PlanModel = {
      ...deps.planModel,
      draft: async (...args) => {
        await new Promise<void>((resolve) => (release = resolve));
        return write(...args);
      },
    };
    const other = buyPlan({ ...deps, planModel: slow }, idOf(2), job, noAbort);
    while ((await store.all()).length === 0) await systemClock.sleep(1);
    const impatient = { ...deps, cache: { ...cache, timeoutMs: 5 } };
    const late = await buyPlan(impatient, idOf(1), job, noAbort).catch((error: unknown) => error as ClipmeshError);
    expect(late).toMatchObject({ code: 'PROVIDER_TIMEOUT' });
    expect(keys((late as ClipmeshError).charges)).toEqual(['completion:lost']);
    release();
    await other;
  });

  it('that is not a plan is charged as failed, and the plan is bought again', async () => {
    await killed();
    stored.set(`${idOf(1)}.llm.1`, { ...lost, draft: { ...draft, scenes: draft.scenes.slice(3) } });
    const { charges } = await buyPlan(deps, idOf(1), job, noAbort);
    expect(charges.map(({ key, outcome }) => [key, outcome]).sort()).toEqual([
      ['completion:c1', 'succeeded'],
      ['completion:lost', 'failed'],
    ]);
  });

  const refusal = (code: 'PREDICTION_REFUSED' | 'PLAN_TRUNCATED'): ClipmeshError =>
    new ClipmeshError(code, 'no', { charges: [completionCharge(lost, 'failed')] });
  /** A planner was killed after its call for the job's request. */
  const killedAfterCall = async (): Promise<void> => {
    failures = [new ClipmeshError('PROVIDER_UNAVAILABLE', 'lost')];
    await expect(buyPlan(deps, idOf(1), job, noAbort)).rejects.toThrow('lost');
    asked = 0;
  };

  it.each([1, 2])('that is a refusal ends the command of step %i, with one charge', async (step) => {
    await killedAfterCall();
    const planModel = { ...deps.planModel, find: () => Promise.reject(refusal('PREDICTION_REFUSED')) };
    for (let times = 0; times < 2; times += 1) {
      const error = await buyPlan({ ...deps, planModel }, idOf(1), job, noAbort, step).catch((e: unknown) => e);
      expect(error).toMatchObject({
        ...{ code: 'PREDICTION_REFUSED', retryable: false },
        charges: [{ key: 'completion:lost' }],
      });
    }
    expect(asked).toBe(0);
  });

  it('that is a refusal of another request does not end the command', async () => {
    await killed();
    const planModel = { ...deps.planModel, find: () => Promise.reject(refusal('PREDICTION_REFUSED')) };
    const { charges } = await buyPlan({ ...deps, planModel }, idOf(1), job, noAbort);
    expect(keys(charges)).toEqual(['completion:c1', 'completion:lost']);
  });

  it('that cannot be searched for keeps its unknown outcome, and blocks nothing', async () => {
    await killed();
    const planModel: PlanModel = {
      ...deps.planModel,
      find: () => Promise.reject(new ClipmeshError('PROVIDER_UNAVAILABLE', '503')),
    };
    expect((await buyPlan({ ...deps, planModel }, idOf(1), job, noAbort)).charges).toHaveLength(1);
    expect((await deps.purchases.get(idOf(1), 'llm.1'))?.value.status).toBe('intended');
  });
});

describe('a command that has failed', () => {
  const charged = (key: string): Charge => ({
    ...{ key, kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt' },
    ...{ quantity: 70, unit: 'token', amountMicros: 9, outcome: 'failed' },
  });

  it.each<[ConstructorParameters<typeof ClipmeshError>[0]]>([
    ['PREDICTION_REFUSED'],
    ['PROVIDER_AUTH'],
    ['PROVIDER_BAD_INPUT'],
  ])('with %s fails again when it is redelivered, and the next step buys', async (code) => {
    failures = [new ClipmeshError(code, 'no', { charges: [charged('completion:x')] })];
    for (let times = 0; times < 2; times += 1)
      await expect(buyPlan(deps, idOf(1), job, noAbort, 3)).rejects.toMatchObject({
        ...{ code, retryable: false, message: 'no', charges: [{ key: 'completion:x' }] },
      });
    expect(asked).toBe(1);
    expect((await buyPlan(deps, idOf(1), job, noAbort, 4)).charges.map(({ key }) => key)).toEqual([
      'completion:x',
      'completion:c2',
    ]);
    await expect(buyPlan(deps, idOf(1), job, noAbort, 3)).rejects.toMatchObject({ code });
    expect(asked).toBe(2);
  });

  it('does not buy again after its last try, whatever the failure', async () => {
    failures = [new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charged('completion:x')] })];
    for (let times = 0; times < 2; times += 1)
      await expect(buyPlan(deps, idOf(1), job, noAbort, 1, () => true)).rejects.toMatchObject({
        ...{ code: 'PROVIDER_BAD_ANSWER', charges: [{ key: 'completion:x' }] },
      });
    expect(asked).toBe(1);
  });

  it('buys again after a retryable failure', async () => {
    failures = [new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charged('completion:x')] })];
    await expect(buyPlan(deps, idOf(1), job, noAbort)).rejects.toThrow('no');
    await buyPlan(deps, idOf(1), job, noAbort);
    expect(asked).toBe(2);
  });
});

describe('a stored answer in an older schema', () => {
  it.each<[string, object | undefined, number]>([
    ['with an overlong text', { draft: { ...draft, title: 'x'.repeat(5000) } }, 1],
    ['with a missing field', { draft: { scenes: draft.scenes } }, 1],
    ['with other field names', { draft: { title: 'A', look: 'soft', shots: draft.scenes } }, 1],
    ['without a plan', { draft: { no: 'plan' } }, 2],
    ['without its id', { completionId: undefined, draft: { scenes: draft.scenes } }, 2],
    ['with too few scenes', { draft: { ...draft, scenes: draft.scenes.slice(3) } }, 2],
  ])('%s is repaired or bought again, and is charged', async (_name, change, calls) => {
    const alone = { ...deps, cache: undefined };
    await buyPlan(alone, idOf(1), job, noAbort);
    const [entry] = await deps.purchases.list(idOf(1));
    const answer = { ...(entry?.value.answer as object), ...change };
    await deps.purchases.save({ ...entry!.value, answer }, entry!.revision);
    const { plan, charges } = await buyPlan(alone, idOf(1), job, noAbort);
    expect(plan.scenes).toHaveLength(draft.scenes.length);
    expect([asked, charges.map(({ key }) => key)]).toEqual([calls, ['completion:c1', 'completion:c2'].slice(0, calls)]);
  });
});
