import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createMemoryStores } from '@clipmesh/persistence';
import { committed } from '@clipmesh/billing';
import fc from 'fast-check';
import { crashEverywhere } from './crash.everywhere.js';
import { immortal, type Life } from './life.js';
import { type Bill } from './money.bill.js';
import { type Fate, MoneyWorld } from './money.world.js';

const CAP = 10;
const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;
const fates = fc.array(fc.constantFrom<Fate>('succeeded', 'failed', 'canceled'), { maxLength: 3 });
const bills = fc.array(fc.constantFrom<Bill>('table', 'more', 'less', 'less later'), { maxLength: 3 });
/** A process that dies after this many effects, or never. */
const lives = fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 12 }));

beforeAll(() => {
  // No pause between two tries of a change: the scheduler decides the order.
  jest.spyOn(Math, 'random').mockReturnValue(0);
});

describe('the budget of an owner, at any interleaving', () => {
  it.each([
    [100, 10, 5],
    [8, 3, 100],
  ])('of %i creates, a budget for %i accepts exactly that many', async (requested, fit, numRuns) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const stores = createMemoryStores();
        const turn = (): Promise<void> => scheduler.schedule(Promise.resolve());
        const rules = { limitMicros: CAP * fit, period: 'month' } as const;
        // Every accepted generation costs its cap: nothing is released.
        const world = new MoneyWorld(stores, rules, () => [], turn, immortal);
        const answers = Promise.all(
          Array.from({ length: requested }, (_, n) => world.create(idOf(n), CAP, immortal())),
        );
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

  it('is kept, and all sums are right after a recovery from kills, sweeps, failures, retries, late charges and other bills', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ fates, bills, life: lives, after: fc.nat(40) }), { minLength: 1, maxLength: 10 }),
        fc.array(lives, { maxLength: 3 }),
        fc.array(lives, { maxLength: 10 }),
        // Settled lines that the account keeps.
        fc.constantFrom(0, 1, 2, 64),
        async (scheduler, videos, sweeps, costLives, settledLines) => {
          const left = [...costLives];
          const next = (): Life => ({ left: left.shift() ?? Infinity });
          const turn = (): Promise<void> => scheduler.schedule(Promise.resolve());
          const rules = { limitMicros: CAP * 2 + 5, period: 'month' } as const;
          const of = new Map(videos.map((video, n) => [idOf(n), video]));
          const stores = createMemoryStores({ settledLines });
          const fatesOf = (id: string): readonly Fate[] => of.get(id)?.fates ?? [];
          const billsOf = (id: string): readonly Bill[] => of.get(id)?.bills ?? [];
          const world = new MoneyWorld(stores, rules, fatesOf, turn, next, billsOf);
          const work = Promise.all([
            ...videos.map(async ({ life, after }, n) => {
              // A late create takes money that was released too early.
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
    'after any effect of create, ledger entry, release, retry and sweep leaves right sums: %j',
    async (of) => {
      for (const settledLines of [0, 1, 64])
        expect(await crashEverywhere(() => Promise.resolve(createMemoryStores({ settledLines })), of)).toBeGreaterThan(
          12,
        );
    },
  );
});
