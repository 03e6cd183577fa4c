import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, ClipmeshError, type Job } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { type CacheStore, createMemoryStores } from '@clipmesh/persistence';
import { planFromTemplate } from '@clipmesh/pipeline';
import { completionCharge, type PlanAnswer, type PlanModel } from '@clipmesh/providers';
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
const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;
const AT = '2026-01-02T03:04:05.678Z';
const noAbort = new AbortController().signal;

let asked: number;
let failures: ClipmeshError[];
/** Whether each call had more room. */
let moreRooms: boolean[];
let deps: PlanPurchaseDeps;
let store: CacheStore;
/** By generation; nobody's share one scope. */
let owners: Map<string, string>;
/** What the provider keeps of its answers, by the key of the call. */
let stored: Map<string, PlanAnswer>;

beforeEach(() => {
  asked = 0;
  failures = [];
  moreRooms = [];
  owners = new Map();
  stored = new Map();
  const { attempts, cache } = createMemoryStores();
  store = cache;
  const listeners = new Set<() => void>();
  const planModel: PlanModel = {
    model: 'gpt',
    quoteMicros: 900,
    charge: completionCharge,
    find: (key) => Promise.resolve(stored.get(key)),
    draft: async ({ hasMoreRoom }) => {
      asked += 1;
      moreRooms.push(hasMoreRoom === true);
      await systemClock.sleep(5);
      const fault = failures.shift();
      if (fault !== undefined) throw fault;
      return { completionId: `c${asked}`, model: 'gpt', inputTokens: 10, outputTokens: 10, draft };
    },
  };
  deps = {
    planModel,
    purchases: attempts,
    logger: { info: () => undefined, warn: () => undefined },
    isCanceled: () => Promise.resolve(false),
    cache: {
      provider: 'shop',
      scopeOf: (id) => Promise.resolve(owners.get(id)),
      timeoutMs: 5000,
      leases: {
        store,
        clock: systemClock,
        nudges: {
          on: (_key, callback) => {
            listeners.add(callback);
            return () => listeners.delete(callback);
          },
          tell: () => {
            for (const callback of [...listeners]) callback();
          },
        },
        leaseMs: 60_000,
        ttlMs: 1e9,
        warn: () => undefined,
      },
    },
  };
});

describe('the key of a plan', () => {
  it('is of what the model is told', () => {
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
  it('is asked for once, by however many, and costs the others nothing', async () => {
    const all = await Promise.all([1, 2, 3].map((n) => buyPlan(deps, idOf(n), job, noAbort)));
    const later = await buyPlan(deps, idOf(4), { ...job, seed: 9 }, noAbort);
    expect(asked).toBe(1);
    expect([...all, later].flatMap(({ charges }) => charges)).toHaveLength(1);
    expect(new Set(all.map(({ plan }) => JSON.stringify(plan))).size).toBe(1);
    expect(later.plan).toEqual({ ...all[0]?.plan, seed: 9 });
  });

  it('of another owner is asked for again, and is never waited for', async () => {
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

  it('is not asked for when the generation was canceled before the call, though its flag is not heard yet', async () => {
    const canceled = { ...deps, isCanceled: () => Promise.resolve(true) };
    await expect(buyPlan(canceled, idOf(1), job, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(asked).toBe(0);
    expect((await deps.purchases.list(idOf(1))).map(({ value }) => value.status)).toEqual(['failed']);
    expect((await buyPlan(deps, idOf(2), job, noAbort)).charges).toHaveLength(1);
  });

  it('is asked for by one that waits when the call fails', async () => {
    failures = [new ClipmeshError('PROVIDER_UNAVAILABLE', '503')];
    const first = buyPlan(deps, idOf(1), job, noAbort);
    const refused = expect(first).rejects.toThrow('503');
    while (asked === 0) await systemClock.sleep(1);
    const second = await buyPlan(deps, idOf(2), job, noAbort);
    await refused;
    expect(asked).toBe(2);
    expect(second.charges).toHaveLength(1);
  });

  it('is kept by the one that asked, though the entry is gone, and fills it again', async () => {
    const first = await buyPlan(deps, idOf(1), job, noAbort);
    for (const { value, revision } of await store.all()) await store.remove(value.key, revision);
    expect((await buyPlan(deps, idOf(1), job, noAbort)).plan).toEqual(first.plan);
    expect((await buyPlan(deps, idOf(2), job, noAbort)).charges).toEqual([]);
    expect(asked).toBe(1);
  });

  it('is asked for again where the cache is not wanted, or what it holds is no plan', async () => {
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

describe('an answer that was cut off', () => {
  const charge = (n: number): Charge => ({
    ...{ key: `completion:cut${n}`, kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt' },
    ...{ quantity: 70, unit: 'token', amountMicros: 9, outcome: 'failed' },
  });
  const cut = (n: number): ClipmeshError => new ClipmeshError('PLAN_TRUNCATED', 'cut off', { charges: [charge(n)] });
  const plan = (n: number, change: Partial<Job> = {}): Promise<unknown> =>
    buyPlan(deps, idOf(n), { ...job, ...change }, noAbort).catch((error: unknown) => error);

  it('is asked for once more with more room, and both are charged', async () => {
    failures = [cut(1)];
    expect(await plan(1)).toMatchObject({ code: 'PLAN_TRUNCATED', retryable: true, charges: [charge(1)] });
    expect(await plan(1)).toMatchObject({ charges: [{ key: 'completion:cut1' }, { key: 'completion:c2' }] });
    expect(moreRooms).toEqual([false, true]);
  });

  it('twice is given up, with what both cost', async () => {
    failures = [cut(1), cut(2)];
    await plan(1);
    expect(await plan(1)).toMatchObject({ code: 'PLAN_TRUNCATED', retryable: false, charges: [charge(1), charge(2)] });
    expect(moreRooms).toEqual([false, true]);
  });

  it('gives no more room to another question, nor after another failure', async () => {
    failures = [cut(1), new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charge(3)] })];
    await plan(1);
    await plan(2);
    await plan(2);
    await plan(1, { prompt: 'A pan that sings.' });
    expect(moreRooms).toEqual([false, false, false, false]);
  });

  it('is known to be so, too, when it was found only after its planner was killed', async () => {
    failures = [new ClipmeshError('PROVIDER_UNAVAILABLE', 'lost')];
    await plan(1);
    const found: PlanModel = { ...deps.planModel, find: () => Promise.reject(cut(1)) };
    expect(await buyPlan({ ...deps, planModel: found }, idOf(1), job, noAbort)).toMatchObject({
      charges: [{ key: 'completion:cut1' }, { key: 'completion:c2' }],
    });
    expect(moreRooms).toEqual([false, true]);
  });
});

describe('an answer that nobody has read', () => {
  const lost: PlanAnswer = { completionId: 'lost', model: 'gpt', inputTokens: 30, outputTokens: 40, draft };
  const keys = (charges: readonly { key: string }[]): string[] => charges.map(({ key }) => key).sort();
  const killed = () =>
    deps.purchases.create({
      ...{ key: 'llm.1', generationId: idOf(1), kind: 'llm', status: 'intended', model: 'gpt' },
      ...{ fingerprint: 'of the dead planner', createdAt: AT, updatedAt: AT },
    });

  it('is found again after its planner was killed, and booked; of the same question it is the plan', async () => {
    await buyPlan({ ...deps, cache: undefined }, idOf(1), job, noAbort);
    const [entry] = await deps.purchases.list(idOf(1));
    const { answer: _answer, charge: _charge, ...unread } = entry!.value;
    await deps.purchases.save({ ...unread, status: 'intended' }, entry!.revision);
    stored.set(`${idOf(1)}.llm.1`, lost);
    const { charges } = await buyPlan(deps, idOf(1), job, noAbort);
    expect([asked, keys(charges)]).toEqual([1, ['completion:lost']]);
    expect((await deps.purchases.list(idOf(1)))[0]?.value).toMatchObject({ status: 'finished', answer: lost });
  });

  it('is booked beside the one that was asked for in its place, when it shows only after that', async () => {
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

  it('is booked although another generation has the plan in the cache by then', async () => {
    await buyPlan(deps, idOf(2), job, noAbort);
    await killed();
    stored.set(`${idOf(1)}.llm.1`, lost);
    const { charges } = await buyPlan(deps, idOf(1), job, noAbort);
    expect([asked, keys(charges)]).toEqual([1, ['completion:lost']]);
  });

  it('is looked for at once when the call ends without it, and then not bought again', async () => {
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
  ])('may be there after %s: the attempt is %s', async (code, status) => {
    failures = [new ClipmeshError(code, 'no')];
    await expect(buyPlan(deps, idOf(1), job, noAbort)).rejects.toThrow('no');
    expect((await deps.purchases.list(idOf(1)))[0]?.value.status).toBe(status);
  });

  it('is told of, too, by a try that only waits for another in vain', async () => {
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

  it('that is no plan is booked as failed, and the model is asked anew', async () => {
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
  /** A planner was killed after its call; what it asked is the job's question. */
  const killedAfterCall = async (): Promise<void> => {
    failures = [new ClipmeshError('PROVIDER_UNAVAILABLE', 'lost')];
    await expect(buyPlan(deps, idOf(1), job, noAbort)).rejects.toThrow('lost');
    asked = 0;
  };

  it.each([1, 2])('and is a refusal ends the command, of step %i, and is asked and paid for once', async (attempt) => {
    await killedAfterCall();
    const planModel = { ...deps.planModel, find: () => Promise.reject(refusal('PREDICTION_REFUSED')) };
    for (let times = 0; times < 2; times += 1) {
      const error = await buyPlan({ ...deps, planModel }, idOf(1), job, noAbort, attempt).catch((e: unknown) => e);
      expect(error).toMatchObject({
        ...{ code: 'PREDICTION_REFUSED', retryable: false },
        charges: [{ key: 'completion:lost' }],
      });
    }
    expect(asked).toBe(0);
  });

  it('and is the refusal of another question ends nothing', async () => {
    await killed();
    const planModel = { ...deps.planModel, find: () => Promise.reject(refusal('PREDICTION_REFUSED')) };
    const { charges } = await buyPlan({ ...deps, planModel }, idOf(1), job, noAbort);
    expect(keys(charges)).toEqual(['completion:c1', 'completion:lost']);
  });

  it('that cannot be looked for stays in doubt, and holds nothing up', async () => {
    await killed();
    const planModel: PlanModel = {
      ...deps.planModel,
      find: () => Promise.reject(new ClipmeshError('PROVIDER_UNAVAILABLE', '503')),
    };
    expect((await buyPlan({ ...deps, planModel }, idOf(1), job, noAbort)).charges).toHaveLength(1);
    expect((await deps.purchases.get(idOf(1), 'llm.1'))?.value.status).toBe('intended');
  });
});

describe('a command that ended with a failure', () => {
  const charged = (key: string): Charge => ({
    ...{ key, kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt' },
    ...{ quantity: 70, unit: 'token', amountMicros: 9, outcome: 'failed' },
  });

  it.each<[ConstructorParameters<typeof ClipmeshError>[0]]>([
    ['PREDICTION_REFUSED'],
    ['PROVIDER_AUTH'],
    ['PROVIDER_BAD_INPUT'],
  ])('%s ends with it again when it is delivered again, and the next step asks', async (code) => {
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

  it('asks for nothing again after its last try, whatever it failed of', async () => {
    failures = [new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charged('completion:x')] })];
    for (let times = 0; times < 2; times += 1)
      await expect(buyPlan(deps, idOf(1), job, noAbort, 1, () => true)).rejects.toMatchObject({
        ...{ code: 'PROVIDER_BAD_ANSWER', charges: [{ key: 'completion:x' }] },
      });
    expect(asked).toBe(1);
  });

  it('asks again after a failure that may pass', async () => {
    failures = [new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charged('completion:x')] })];
    await expect(buyPlan(deps, idOf(1), job, noAbort)).rejects.toThrow('no');
    await buyPlan(deps, idOf(1), job, noAbort);
    expect(asked).toBe(2);
  });
});

describe('a kept answer that does not fit the schema of today', () => {
  it.each<[string, object | undefined, number]>([
    ['with a text that is too long', { draft: { ...draft, title: 'x'.repeat(5000) } }, 1],
    ['with a field that is missing', { draft: { scenes: draft.scenes } }, 1],
    ['with other names of fields', { draft: { title: 'A', look: 'soft', shots: draft.scenes } }, 1],
    ['without a plan', { draft: { no: 'plan' } }, 2],
    ['without its id', { completionId: undefined, draft: { scenes: draft.scenes } }, 2],
    ['with too few scenes', { draft: { ...draft, scenes: draft.scenes.slice(3) } }, 2],
  ])('%s is mended or asked for again, and is charged', async (_name, change, calls) => {
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
