import { type GenerationRecord, type GenerationResult, type Outgoing, type SceneState } from '@clipmesh/contracts';
import { createMemoryStores, type Stores } from '@clipmesh/persistence';
import { initialState, planFromTemplate } from '@clipmesh/pipeline';
import { describe, expect, it } from '@jest/globals';
import { type BudgetSweepDeps, reserveBudget, sweepAccount, sweepUnreserved } from './budget.js';
import { type GatewayDeps } from './gateway.parts.js';
import { buildJob, parseRequest } from './job.builder.js';
import { problemOf } from './problem.js';
import { ScenesController } from './scenes.controller.js';

const id = `gen_${'1'.repeat(32)}`;
const other = `gen_${'2'.repeat(32)}`;
const period = '2026-01-01';
const at = '2026-01-01T00:00:00.000Z';
const rules = { limitMicros: 10_000_000, period: 'day' } as const;
const defaults = { models: ['google/veo-3.1'], parallelEnabled: true, maxWorkers: 4, fallbackAfter: 3 };
const job = buildJob(parseRequest({ prompt: 'A kettle that sings.', maxCostUsd: 6 }), defaults);
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

class Lost extends Error {
  override readonly name = 'TimeoutError';
}

/** Counts effects, and fails the one of this number: before it, or after it with its answer lost. */
class Faults {
  private effect = 0;
  constructor(
    private readonly at: number,
    private readonly when: 'before' | 'after',
  ) {}

  wrap<A extends unknown[], R>(call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      this.effect += 1;
      const fails = this.effect === this.at;
      if (fails && this.when === 'before') throw new Lost('not done');
      const answer = await call(...args);
      if (fails) throw new Lost('done, but nobody knows');
      return answer;
    };
  }

  get effects(): number {
    return this.effect;
  }
}

interface World {
  readonly stores: Stores;
  readonly published: Outgoing[];
  readonly effects: number;
  readonly status: number;
}

/** Regenerates scene 0 with a fault at one effect, then sweeps for an hour. */
async function run(
  status: 'succeeded' | 'failed',
  faults: Faults,
  { otherMicros = 0, budget = true }: { otherMicros?: number; budget?: boolean } = {},
): Promise<World> {
  const stores = createMemoryStores();
  const published: Outgoing[] = [];
  await stores.generations.create(recordOf(status));
  if (budget) {
    await reserveBudget(stores, rules, { id, owner: 'local', period, micros: 6_000_000, run: 1 });
    if (otherMicros > 0) {
      const account = await stores.accounts.get('local', period);
      const line = account?.value.generations[id];
      if (account === undefined || line === undefined) throw new Error('there is no line');
      const generations = { [id]: { ...line, open: false, spentMicros: 400_000 } };
      await stores.accounts.save({ ...account.value, generations }, account.revision);
      await reserveBudget(stores, rules, { id: other, owner: 'local', period, micros: otherMicros, run: 1 });
    }
  }
  const publish = (outgoing: readonly Outgoing[]): Promise<void> => Promise.resolve(void published.push(...outgoing));
  const deps = {
    stores: {
      ...stores,
      generations: { ...stores.generations, save: faults.wrap(stores.generations.save.bind(stores.generations)) },
      accounts: { ...stores.accounts, save: faults.wrap(stores.accounts.save.bind(stores.accounts)) },
    },
    ...(budget ? { budget: rules } : {}),
    ownerOf: () => 'local',
    publish: faults.wrap(publish),
    cancellations: { check: () => Promise.resolve(false) },
    logger: { warn: () => undefined },
  } as unknown as GatewayDeps;
  const answer = await new ScenesController(deps)
    .regenerate(id, '0', { seed: 7 }, undefined)
    .then(() => 202)
    .catch((error: unknown) => problemOf(error).status);
  const sweeping: BudgetSweepDeps = { stores, rules, publish };
  const begunMs = Date.now();
  for (const laterMs of [0, 20_000, 3_600_000, 3_660_000]) {
    await sweepUnreserved(sweeping, begunMs + laterMs);
    await sweepAccount(sweeping, 'local', period, begunMs + laterMs);
  }
  return { stores, published, effects: faults.effects, status: answer };
}

const names = ({ published }: World): string[] => published.map(({ definition }) => definition.name);
const stateOf = async ({ stores }: World) => (await stores.generations.get(id))?.value.state;
const lineOf = async ({ stores }: World) => (await stores.accounts.get('local', period))?.value.generations[id];

describe('the regeneration of a scene', () => {
  it('has four effects under a budget: the fence, the reservation, the run and its event', async () => {
    const world = await run('succeeded', new Faults(0, 'before'));
    expect([world.status, world.effects, names(world)]).toEqual([202, 4, ['scene.reopened']]);
    expect(await stateOf(world)).toMatchObject({ status: 'generating', run: 2, former: result });
    expect(await lineOf(world)).toMatchObject({ open: true, run: 2 });
  });

  describe.each(['succeeded', 'failed'] as const)('of a generation that has %s', (status) => {
    it.each([1, 2, 3, 4].flatMap((effect) => [[effect, 'before'] as const, [effect, 'after'] as const]))(
      'with a fault at effect %i, %s it: begins wholly or not at all, and cancels nothing',
      async (effect, when) => {
        const world = await run(status, new Faults(effect, when));
        expect([202, 503]).toContain(world.status);
        expect(names(world)).not.toContain('cancel.requested');
        const state = await stateOf(world);
        const line = await lineOf(world);
        if (state?.run === 2) {
          expect(state).toMatchObject({ status: 'generating' });
          expect(line).toMatchObject({ open: true, run: 2 });
        } else {
          expect(world.status).toBe(503);
          expect(state).toMatchObject(status === 'succeeded' ? { status, run: 1, result } : { status, run: 1 });
          // Nobody requested a retry: nothing is bought.
          expect([line?.open, names(world)]).toEqual([false, []]);
        }
        // Once the run is stored, its event is not what the answer depends on: the sweeper of stalled work asks for it.
        if (effect === 4) expect([world.status, state?.run]).toEqual([202, 2]);
      },
    );
  });

  it('without money is a 402, and the generation is as it was', async () => {
    const world = await run('succeeded', new Faults(0, 'before'), { otherMicros: 8_000_000 });
    expect([world.status, world.effects, names(world)]).toEqual([402, 0, []]);
    expect((await world.stores.generations.get(id))?.value).toEqual(recordOf('succeeded'));
  });

  it('without a budget has two effects, and no fault of them harms the generation', async () => {
    for (const [effect, when] of [[1, 'before'] as const, [1, 'after'] as const, [2, 'before'] as const]) {
      const world = await run('succeeded', new Faults(effect, when), { budget: false });
      expect(world.effects).toBe(effect === 1 ? 1 : 2);
      expect(world.status).toBe(effect === 1 ? 503 : 202);
      expect(['succeeded', 'generating']).toContain((await stateOf(world))?.status);
      expect(names(world)).not.toContain('cancel.requested');
    }
  });
});
