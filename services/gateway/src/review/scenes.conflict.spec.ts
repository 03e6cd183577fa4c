import { SAMPLE_MODELS } from '@clipmesh/testing';
import { createGenerationSchema, type GenerationRecord, type Outgoing } from '@clipmesh/contracts';
import { createMemoryStores } from '@clipmesh/persistence';
import { initialState, planFromTemplate } from '@clipmesh/pipeline';
import { describe, expect, it } from '@jest/globals';
import { type BudgetSweepDeps, sweepAccount, sweepUnreserved } from '@clipmesh/billing';
import { reserveBudget } from '../billing/budget.problems.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { buildJob } from '../jobs/job.builder.js';
import { problemOf } from '../http/problems/problem.js';
import { ScenesController } from './scenes.controller.js';

const id = `gen_${'1'.repeat(32)}`;
const period = '2026-01-01';
const at = '2026-01-01T00:00:00.000Z';
const rules = { limitMicros: 10_000_000, period: 'day' } as const;
const defaults = {
  models: ['google/veo-3.1'],
  table: SAMPLE_MODELS,
  parallelEnabled: true,
  maxWorkers: 4,
  fallbackAfter: 3,
};
const job = buildJob(createGenerationSchema.parse({ prompt: 'A kettle that sings.', maxCostUsd: 6 }), defaults);
const plan = planFromTemplate(job);
const clip = { key: `aa/${'a'.repeat(64)}.mp4`, sha256: 'a'.repeat(64), bytes: 1, contentType: 'video/mp4' };
const line = { attempt: 2, modelIndex: 0, cached: false, costMicros: 100_000, clip, overlaid: clip };
/** Failed in the stitcher with all scenes done: a scene can be regenerated, and the generation can be retried. */
const failed: GenerationRecord = {
  ...{ id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), account: { period } },
  state: {
    ...initialState(job),
    ...{ status: 'failed', plan, finishedAt: at },
    scenes: plan.scenes.map(({ index }) => ({ index, status: 'done', ...line })),
    failure: { code: 'INTERNAL', stage: 'stitch', message: 'x', retryable: true, charged: false },
  },
};

/** A gateway with a budget. `beforeSave` runs before each save of the generation, with its number: 1, 2, … */
async function setUp(beforeSave: (save: number) => Promise<unknown> = () => Promise.resolve()) {
  const stores = createMemoryStores();
  const published: string[] = [];
  await stores.generations.create(failed);
  await reserveBudget(stores, rules, { id, owner: 'local', period, micros: 6_000_000, run: 1 });
  const publish = (outgoing: readonly Outgoing[]): Promise<void> => {
    published.push(...outgoing.map(({ definition }) => definition.name));
    return Promise.resolve();
  };
  let saves = 0;
  const save: typeof stores.generations.save = async (record, revision) => {
    await beforeSave((saves += 1));
    return stores.generations.save(record, revision);
  };
  const regenerate = async (hooked: boolean): Promise<number> => {
    const controller = new ScenesController(
      new OwnedGenerations(stores),
      hooked ? { ...stores, generations: { ...stores.generations, save } } : stores,
      publish,
      { check: () => Promise.resolve(false) },
      rules,
      SAMPLE_MODELS,
      { warn: () => undefined },
    );
    return controller
      .regenerate(id, '0', { seed: 7 }, 'local')
      .then(() => 202)
      .catch((error: unknown) => problemOf(error).status);
  };
  const sweeping: BudgetSweepDeps = { stores, rules, publish };
  return {
    stores,
    published,
    sweeping,
    regenerate,
    saves: () => saves,
    /** Changes a field that no run depends on, as another service would. */
    touch: async (webhookUrl: string): Promise<void> => {
      const found = await stores.generations.get(id);
      if (found !== undefined) await stores.generations.save({ ...found.value, webhookUrl }, found.revision);
    },
    sweep: async (): Promise<void> => {
      for (const laterMs of [0, 20_000, 3_600_000, 3_660_000]) {
        await sweepUnreserved(sweeping, Date.now() + laterMs);
        await sweepAccount(sweeping, 'local', period, Date.now() + laterMs);
      }
    },
    record: async () => (await stores.generations.get(id))?.value,
    line: async () => (await stores.accounts.get('local', period))?.value.generations[id],
  };
}
type Gateway = Awaited<ReturnType<typeof setUp>>;

/** A gateway that runs `act` before each save. */
async function hooked(act: (of: Gateway, save: number) => Promise<unknown>): Promise<Gateway> {
  const gateway: Gateway = await setUp((save) => act(gateway, save));
  return gateway;
}

describe('a regenerate that conflicts with another change', () => {
  it.each([1, 2])('tries again after a change of an unrelated field at save %i', async (number) => {
    const gateway = await hooked(async (of, save) => {
      if (save === number) await of.touch('https://example.com/hook');
    });
    expect(await gateway.regenerate(true)).toBe(202);
    await gateway.sweep();
    expect(await gateway.record()).toMatchObject({
      webhookUrl: 'https://example.com/hook',
      state: { run: 2, status: 'generating' },
    });
    expect(await gateway.line()).toMatchObject({ open: true, run: 2 });
    expect(gateway.published).toEqual(['scene.reopened']);
  });

  it('is a 409 after conflicts at both of its last saves, and its reservation is released', async () => {
    const gateway = await hooked(async (of, save) => {
      if (save % 2 === 0) await of.touch(`https://example.com/${save}`);
    });
    expect([await gateway.regenerate(true), gateway.saves()]).toEqual([409, 4]);
    expect(await gateway.line()).toMatchObject({ open: true, run: 2, request: expect.any(String) });
    await gateway.sweep();
    expect(await gateway.record()).toMatchObject({ state: { run: 1, status: 'failed' } });
    expect([(await gateway.line())?.open, gateway.published]).toEqual([false, []]);
  });

  it('is a 409 after a competing regenerate, whose reservation stays', async () => {
    const gateway = await hooked(async (of, save) => {
      if (save === 2) expect(await of.regenerate(false)).toBe(202);
    });
    expect(await gateway.regenerate(true)).toBe(409);
    await gateway.sweep();
    expect(await gateway.record()).toMatchObject({ state: { run: 2, status: 'generating' } });
    expect(await gateway.line()).toMatchObject({ open: true, run: 2 });
    expect(gateway.published).toEqual(['scene.reopened']);
  });

  it('leaves the reservation to a concurrent retry', async () => {
    const gateway = await hooked(async (of, save) => {
      if (save === 2) await reserveBudget(of.stores, rules, { id, owner: 'local', period, micros: 6_000_000, run: 2 });
      if (save % 2 === 0) await of.touch(`https://example.com/${save}`);
    });
    expect(await gateway.regenerate(true)).toBe(409);
    expect((await gateway.line())?.request).toBeUndefined();
    await gateway.sweep();
    expect((await gateway.line())?.open).toBe(true);
    expect(new Set(gateway.published)).toEqual(new Set(['retry.requested']));
  });

  it('keeps its own reservation when a sweeper treated it as abandoned, however late the sweeper continues', async () => {
    let resume: () => void = () => undefined;
    const resumed = new Promise<void>((resolve) => (resume = resolve));
    let sweeping: Promise<number> | undefined;
    const gateway = await hooked(async ({ sweeping: deps }, save) => {
      if (save !== 2) return;
      // An hour passes between the reservation and the run. The sweeper has written its fence and pauses before the release.
      await new Promise<void>((fenced) => {
        const entries: typeof deps.stores.ledger.entries = async (of) => {
          fenced();
          await resumed;
          return deps.stores.ledger.entries(of);
        };
        const stores = { ...deps.stores, ledger: { ...deps.stores.ledger, entries } };
        sweeping = sweepAccount({ ...deps, stores }, 'local', period, Date.now() + 3_600_000);
      });
    });
    expect(await gateway.regenerate(true)).toBe(202);
    resume();
    expect(await sweeping).toBe(0);
    expect(await gateway.record()).toMatchObject({ state: { run: 2, status: 'generating' } });
    expect(await gateway.line()).toMatchObject({ open: true, run: 2 });
  });
});
