import { SAMPLE_MODELS } from '@clipmesh/testing';
import { createGenerationSchema, type GenerationRecord, type Outgoing, type SceneState } from '@clipmesh/contracts';
import { createMemoryStores, type Stores } from '@clipmesh/persistence';
import { initialState, planFromTemplate } from '@clipmesh/pipeline';
import { describe, expect, it } from '@jest/globals';
import { sweepAccount, sweepUnreserved } from '@clipmesh/billing';
import { Faults } from '../../test/faults.js';
import { reserveBudget } from '../billing/budget.problems.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { problemOf } from '../http/problems/problem.js';
import { buildJob } from '../jobs/job.builder.js';
import { startApproved } from './draft.review.js';

const id = `gen_${'1'.repeat(32)}`;
const period = '2026-01-01';
const at = '2026-01-01T00:00:00.000Z';
const rules = { limitMicros: 10_000_000, period: 'day' } as const;
const CAP = 6_000_000;
const PLAN_MICROS = 10_000;
const defaults = {
  models: ['google/veo-3.1'],
  table: SAMPLE_MODELS,
  parallelEnabled: true,
  maxWorkers: 4,
  fallbackAfter: 3,
};
const request = { prompt: 'A kettle that sings.', maxCostUsd: 6, mode: 'draft' };
const job = { ...buildJob(createGenerationSchema.parse(request), defaults), planMaxMicros: PLAN_MICROS };
const plan = planFromTemplate(job);
const file = { key: `aa/${'a'.repeat(64)}.mp4`, sha256: 'a'.repeat(64), bytes: 1, contentType: 'video/mp4' };
const draft: GenerationRecord = {
  ...{ id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), account: { period } },
  state: {
    ...initialState(job),
    ...{ status: 'awaiting_approval', stage: 'export', plan },
    scenes: plan.scenes.map(({ index }): SceneState => ({
      ...{ index, status: 'done', attempt: 2, modelIndex: 0, cached: false, costMicros: 0 },
      ...{ clip: file, overlaid: file },
    })),
    result: { video: file, thumbnail: file, durationSeconds: 15, width: 720, height: 1280, draft: true },
  },
};

interface Outcome {
  readonly stores: Stores;
  readonly published: readonly string[];
  readonly effects: number;
  readonly status: number;
}

/** Approves the draft with a failure at one effect, then sweeps for an hour. */
async function approve(faults: Faults): Promise<Outcome> {
  const stores = createMemoryStores();
  const published: string[] = [];
  await stores.generations.create(draft);
  await reserveBudget(stores, rules, { id, owner: 'local', period, micros: PLAN_MICROS, run: 1 });
  const publish = (outgoing: readonly Outgoing[]): Promise<void> =>
    Promise.resolve(void published.push(...outgoing.map(({ definition }) => definition.name)));
  const failing = {
    generations: { ...stores.generations, save: faults.wrap(stores.generations.save.bind(stores.generations)) },
    accounts: { ...stores.accounts, save: faults.wrap(stores.accounts.save.bind(stores.accounts)) },
  };
  const deps = {
    ...{ owned: new OwnedGenerations(stores), stores: failing, publish: faults.wrap(publish), budget: rules },
    ...{ models: SAMPLE_MODELS, logger: { warn: () => undefined } },
  };
  const status = await startApproved(deps, id, 'local')
    .then(() => 202)
    .catch((error: unknown) => problemOf(error).status);
  const startedMs = Date.now();
  for (const laterMs of [0, 20_000, 3_600_000, 3_660_000]) {
    await sweepUnreserved({ stores, rules, publish }, startedMs + laterMs);
    await sweepAccount({ stores, rules, publish }, 'local', period, startedMs + laterMs);
  }
  return { stores, published, effects: faults.effects, status };
}
const stateOf = async ({ stores }: Outcome) => (await stores.generations.get(id))?.value.state;
const lineOf = async ({ stores }: Outcome) => (await stores.accounts.get('local', period))?.value.generations[id];

describe('the approval of a draft', () => {
  it('has four effects: the fence, the reservation, the run and its event', async () => {
    const outcome = await approve(new Faults(0, 'before'));
    expect([outcome.status, outcome.effects, outcome.published]).toEqual([202, 4, ['plan.approved']]);
    expect(await stateOf(outcome)).toMatchObject({ status: 'generating', run: 2, approved: true, plan });
    expect(await lineOf(outcome)).toMatchObject({ open: true, run: 2, reservedMicros: CAP });
  });

  it.each([1, 2, 3, 4].flatMap((effect) => [[effect, 'before'] as const, [effect, 'after'] as const]))(
    'starts completely or not at all, with a failure at effect %i, %s it',
    async (effect, when) => {
      const outcome = await approve(new Faults(effect, when));
      expect(outcome.published).not.toContain('cancel.requested');
      const state = await stateOf(outcome);
      const line = await lineOf(outcome);
      expect(state?.plan).toEqual(plan);
      if (state?.approved === true) {
        expect(state).toMatchObject({ status: 'generating', run: 2 });
        expect(line).toMatchObject({ open: true, run: 2, reservedMicros: CAP });
      } else {
        expect(outcome.status).toBe(503);
        expect(state).toEqual(draft.state);
        expect([line?.open, outcome.published]).toEqual([false, []]);
      }
      // Once the run is stored, the response does not depend on its event: the stall sweeper publishes it.
      if (effect === 4) expect([outcome.status, state?.run]).toEqual([202, 2]);
    },
  );
});
