import { SAMPLE_MODELS } from '@clipmesh/testing';
import {
  createGenerationSchema,
  type GenerationRecord,
  type GenerationResult,
  type Outgoing,
  type SceneState,
} from '@clipmesh/contracts';
import { createMemoryStores, type Stores } from '@clipmesh/persistence';
import { initialState, planFromTemplate } from '@clipmesh/pipeline';
import { describe, expect, it } from '@jest/globals';
import { type BudgetSweepDeps, sweepAccount, sweepUnreserved } from '@clipmesh/billing';
import { Faults } from '../../test/faults.js';
import { reserveBudget } from '../billing/budget.problems.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { buildJob } from '../jobs/job.builder.js';
import { problemOf } from '../http/problems/problem.js';
import { ScenesController } from './scenes.controller.js';

const id = `gen_${'1'.repeat(32)}`;
const other = `gen_${'2'.repeat(32)}`;
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
const artifact = { key: `aa/${'a'.repeat(64)}.mp4`, sha256: 'a'.repeat(64), bytes: 1, contentType: 'video/mp4' };
const result: GenerationResult = {
  video: artifact,
  thumbnail: artifact,
  durationSeconds: 15,
  width: 720,
  height: 1280,
};
const scenes = plan.scenes.map(({ index }): SceneState => ({
  ...{ index, status: 'done', attempt: 2, modelIndex: 0, cached: false, costMicros: 100_000 },
  ...{ clip: artifact, overlaid: artifact },
}));
const failure = { code: 'PREDICTION_FAILED', stage: 'clip', message: 'x', retryable: true, charged: false } as const;
const recordOf = (status: 'succeeded' | 'failed'): GenerationRecord => ({
  ...{ id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), account: { period } },
  state: {
    ...initialState(job),
    ...{ status, plan, scenes, finishedAt: at },
    ...(status === 'succeeded' ? { result } : { failure }),
  },
});

interface Outcome {
  readonly stores: Stores;
  readonly published: Outgoing[];
  readonly effects: number;
  readonly status: number;
}

/** Regenerates scene 0 with a failure at one effect, then sweeps for an hour. */
async function run(
  status: 'succeeded' | 'failed',
  faults: Faults,
  { otherMicros = 0, budget = true }: { otherMicros?: number; budget?: boolean } = {},
): Promise<Outcome> {
  const stores = createMemoryStores();
  const published: Outgoing[] = [];
  await stores.generations.create(recordOf(status));
  if (budget) {
    await reserveBudget(stores, rules, { id, owner: 'local', period, micros: 6_000_000, run: 1 });
    if (otherMicros > 0) {
      const account = await stores.accounts.get('local', period);
      const line = account?.value.generations[id];
      if (account === undefined || line === undefined) throw new Error('no account line');
      const generations = { [id]: { ...line, open: false, spentMicros: 400_000 } };
      await stores.accounts.save({ ...account.value, generations }, account.revision);
      await reserveBudget(stores, rules, { id: other, owner: 'local', period, micros: otherMicros, run: 1 });
    }
  }
  const publish = (outgoing: readonly Outgoing[]): Promise<void> => Promise.resolve(void published.push(...outgoing));
  const failing = {
    generations: { ...stores.generations, save: faults.wrap(stores.generations.save.bind(stores.generations)) },
    accounts: { ...stores.accounts, save: faults.wrap(stores.accounts.save.bind(stores.accounts)) },
  };
  const controller = new ScenesController(
    new OwnedGenerations(stores),
    failing,
    faults.wrap(publish),
    { check: () => Promise.resolve(false) },
    budget ? rules : undefined,
    SAMPLE_MODELS,
    { warn: () => undefined },
  );
  const answer = await controller
    .regenerate(id, '0', { seed: 7 }, 'local')
    .then(() => 202)
    .catch((error: unknown) => problemOf(error).status);
  const sweeping: BudgetSweepDeps = { stores, rules, publish };
  const startedMs = Date.now();
  for (const laterMs of [0, 20_000, 3_600_000, 3_660_000]) {
    await sweepUnreserved(sweeping, startedMs + laterMs);
    await sweepAccount(sweeping, 'local', period, startedMs + laterMs);
  }
  return { stores, published, effects: faults.effects, status: answer };
}

const names = ({ published }: Outcome): string[] => published.map(({ definition }) => definition.name);
const stateOf = async ({ stores }: Outcome) => (await stores.generations.get(id))?.value.state;
const lineOf = async ({ stores }: Outcome) => (await stores.accounts.get('local', period))?.value.generations[id];

describe('the regeneration of a scene', () => {
  it('has four effects under a budget: the fence, the reservation, the run and its event', async () => {
    const outcome = await run('succeeded', new Faults(0, 'before'));
    expect([outcome.status, outcome.effects, names(outcome)]).toEqual([202, 4, ['scene.reopened']]);
    expect(await stateOf(outcome)).toMatchObject({ status: 'generating', run: 2, previousResult: result });
    expect(await lineOf(outcome)).toMatchObject({ open: true, run: 2 });
  });

  describe.each(['succeeded', 'failed'] as const)('of a generation that has %s', (status) => {
    it.each([1, 2, 3, 4].flatMap((effect) => [[effect, 'before'] as const, [effect, 'after'] as const]))(
      'starts completely or not at all, and cancels nothing, with a failure at effect %i, %s it',
      async (effect, when) => {
        const outcome = await run(status, new Faults(effect, when));
        expect([202, 503]).toContain(outcome.status);
        expect(names(outcome)).not.toContain('cancel.requested');
        const state = await stateOf(outcome);
        const line = await lineOf(outcome);
        if (state?.run === 2) {
          expect(state).toMatchObject({ status: 'generating' });
          expect(line).toMatchObject({ open: true, run: 2 });
        } else {
          expect(outcome.status).toBe(503);
          expect(state).toMatchObject(status === 'succeeded' ? { status, run: 1, result } : { status, run: 1 });
          // Nobody requested a retry: nothing is published.
          expect([line?.open, names(outcome)]).toEqual([false, []]);
        }
        // Once the run is stored, the response does not depend on its event: the stall sweeper publishes it.
        if (effect === 4) expect([outcome.status, state?.run]).toEqual([202, 2]);
      },
    );
  });

  it('is a 402 without budget, and leaves the generation unchanged', async () => {
    const outcome = await run('succeeded', new Faults(0, 'before'), { otherMicros: 8_000_000 });
    expect([outcome.status, outcome.effects, names(outcome)]).toEqual([402, 0, []]);
    expect((await outcome.stores.generations.get(id))?.value).toEqual(recordOf('succeeded'));
  });

  it('has two effects without a budget rule, and a failure of either leaves the generation intact', async () => {
    for (const [effect, when] of [[1, 'before'] as const, [1, 'after'] as const, [2, 'before'] as const]) {
      const outcome = await run('succeeded', new Faults(effect, when), { budget: false });
      expect(outcome.effects).toBe(effect === 1 ? 1 : 2);
      expect(outcome.status).toBe(effect === 1 ? 503 : 202);
      expect(['succeeded', 'generating']).toContain((await stateOf(outcome))?.status);
      expect(names(outcome)).not.toContain('cancel.requested');
    }
  });
});
