import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createMemoryStores } from '@clipmesh/persistence';
import { committed } from '@clipmesh/pipeline';
import fc from 'fast-check';
import { crashEverywhere } from './crash.everywhere.js';
import { type Fate, immortal, type Life, MoneyWorld } from './money.world.js';

const CAP = 10;
const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;
const fates = fc.array(fc.constantFrom<Fate>('succeeded', 'failed', 'canceled'), { maxLength: 3 });
/** A process that dies behind so many effects, or never. */
const lives = fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 12 }));

beforeAll(() => {
  // The pauses between two tries of a change: the scheduler decides who comes first.
  jest.spyOn(Math, 'random').mockReturnValue(0);
});

describe('the budget of an owner, at any interleaving', () => {
  it.each([
    [100, 10, 5],
    [8, 3, 100],
  ])('of %i creates against a budget for %i that many are accepted, and nothing else', async (asked, fit, numRuns) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const stores = createMemoryStores();
        const turn = (): Promise<void> => scheduler.schedule(Promise.resolve());
        const rules = { limitMicros: CAP * fit, period: 'month' } as const;
        // What has begun costs what it may: nothing is freed.
        const world = new MoneyWorld(stores, rules, () => [], turn, immortal);
        const answers = Promise.all(Array.from({ length: asked }, (_, n) => world.create(idOf(n), CAP, immortal())));
        const all = answers.then(() => world.quiet());
        await scheduler.waitFor(all);
        expect((await answers).filter(Boolean)).toHaveLength(fit);
        expect(committed(await world.account())).toBe(rules.limitMicros);
        expect(await stores.generations.list({ limit: 1000 })).toHaveLength(fit);
        expect(await world.broken()).toEqual([]);
      }),
      { numRuns },
    );
  });

  it('is kept, and its sums are right after a recovery, with kills, sweeps, failures, retries and late charges', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ fates, life: lives, after: fc.nat(40) }), { minLength: 1, maxLength: 10 }),
        fc.array(lives, { maxLength: 3 }),
        fc.array(lives, { maxLength: 10 }),
        // How small the account is kept.
        fc.constantFrom(0, 1, 2, 64),
        async (scheduler, films, sweeps, booking, settledLines) => {
          const left = [...booking];
          const next = (): Life => ({ left: left.shift() ?? Infinity });
          const turn = (): Promise<void> => scheduler.schedule(Promise.resolve());
          const rules = { limitMicros: CAP * 2 + 5, period: 'month' } as const;
          const of = new Map(films.map((film, n) => [idOf(n), film.fates]));
          const stores = createMemoryStores({ settledLines });
          const world = new MoneyWorld(stores, rules, (id) => of.get(id) ?? [], turn, next);
          const work = Promise.all([
            ...films.map(async ({ life, after }, n) => {
              // What was freed too early is taken by somebody who comes later.
              for (let turns = 0; turns < after; turns += 1) await turn();
              await world.create(idOf(n), CAP, { left: life });
            }),
            ...sweeps.map((life) => world.sweep({ left: life })),
          ]).then(() => world.recover());
          await scheduler.waitFor(work);
          expect(await world.broken()).toEqual([]);
        },
      ),
      { numRuns: 120 },
    );
  });
});

describe('a kill', () => {
  it.each<Fate[][]>([[['succeeded']], [['canceled']], [['failed', 'succeeded']], [['failed', 'failed', 'canceled']]])(
    'behind any effect of create, booking, refund, retry and sweep leaves sums that hold: %j',
    async (of) => {
      for (const settledLines of [0, 1, 64])
        expect(await crashEverywhere(() => Promise.resolve(createMemoryStores({ settledLines })), of)).toBeGreaterThan(
          12,
        );
    },
  );
});
