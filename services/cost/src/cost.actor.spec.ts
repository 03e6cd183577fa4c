import { describe, expect, it } from '@jest/globals';
import { type Charge, type DomainEvent, type GenerationRecord } from '@clipmesh/contracts';
import fc from 'fast-check';
import { type Account, createMemoryStores, type Stores } from '@clipmesh/persistence';
import { committed, sumsOf } from '@clipmesh/billing';
import { decide, initialState } from '@clipmesh/pipeline';
import { CostActor } from './cost.actor.js';

const id = `gen_${'1'.repeat(32)}`;
const at = '2026-01-02T03:04:05.678Z';
const period = '2026-01';
const state = initialState({
  prompt: 'A kettle that sings.',
  durationSeconds: 9,
  aspectRatio: '9:16',
  seed: 1,
  overlays: true,
  models: ['google/veo-3.1'],
  window: 2,
  fallbackAfter: 3,
});
const record: GenerationRecord = {
  id,
  owner: 'ann',
  createdAt: at,
  updatedAt: at,
  traceId: '0'.repeat(32),
  state,
  account: { period },
};
const account: Account = {
  owner: 'ann',
  period,
  generations: { [id]: { reservedMicros: 1_000_000, spentMicros: 0, open: true, run: 1 } },
};
const charge = (key: string, amountMicros: number): Charge => ({
  key,
  kind: 'clip',
  stage: 'clip',
  provider: 'replicate',
  model: 'google/veo-3.1',
  quantity: 4,
  unit: 'second',
  amountMicros,
  outcome: 'succeeded',
});
const base = { generationId: id, at };
const abandoned = (scene: number, charges: Charge[]): DomainEvent => ({
  name: 'clip.abandoned',
  body: { ...base, charges, scene, predictionId: `p${scene}` },
});
const canceled = (run: number): DomainEvent => ({
  name: 'generation.canceled',
  body: { ...base, charges: [], run, status: 'canceled', stage: 'clip', progress: 5, scenes: [], costMicros: 0 },
});

/** Stores of a process that is killed after the given number of writes. */
function crashing({ ledger, accounts, ...others }: Stores, writes: number): Stores {
  let left = writes;
  const dead =
    <Args extends unknown[], Result>(write: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('killed')) : write(...args);
    };
  return {
    ...others,
    ledger: { ...ledger, append: dead(ledger.append) },
    accounts: { ...accounts, save: dead(accounts.save) },
  };
}

const logger = { info: () => undefined } as never;
const receive = (stores: Stores, event: DomainEvent) => new CostActor({ ...stores, logger }).receive(event);
async function opened(of = record): Promise<Stores> {
  const stores = createMemoryStores();
  await stores.generations.create(of);
  await stores.accounts.create(account);
  return stores;
}
/** Changes the state as the director does before it publishes the event. */
async function end(stores: Stores, change: Partial<GenerationRecord['state']> = {}): Promise<void> {
  const found = await stores.generations.get(id);
  if (found === undefined) throw new Error('the generation is missing');
  const ended = { ...found.value.state, status: 'canceled' as const, ...change };
  await stores.generations.save({ ...found.value, state: ended }, found.revision);
}
const line = async (stores: Stores) => (await stores.accounts.get('ann', period))?.value.generations[id];

describe('the account of an owner', () => {
  it.each([0, 1, 2, 3, 4])('is correct after a crash at write %i and a redelivery', async (writes) => {
    const stores = await opened();
    const crashed = crashing(stores, writes);
    const events = [abandoned(0, [charge('a', 480_000), charge('b', 7)]), canceled(1)];
    for (const event of events) {
      if (event === events[1]) await end(stores);
      await receive(crashed, event).catch(() => receive(stores, event));
      const now = (await stores.accounts.get('ann', period))?.value;
      expect(now && committed(now)).toBe(event === events[1] ? 480_007 : 1_000_000);
    }
    expect(await line(stores)).toEqual({ reservedMicros: 1_000_000, spentMicros: 480_007, open: false, run: 1 });
  });

  it('counts repeated and late charges once', async () => {
    const stores = await opened();
    const first = abandoned(0, [charge('a', 5)]);
    for (const event of [first, first]) await receive(stores, event);
    await end(stores);
    for (const event of [canceled(1), abandoned(1, [charge('c', 2)]), first, canceled(1)]) await receive(stores, event);
    expect(await line(stores)).toMatchObject({ spentMicros: 7, open: false });
  });

  it('keeps the reservation of the next run when the end of the previous one arrives late', async () => {
    const stores = await opened();
    await end(stores, { status: 'failed' });
    const found = await stores.accounts.get('ann', period);
    const line2 = { reservedMicros: 1_000_000, spentMicros: 0, open: true, run: 2 };
    await stores.accounts.save({ ...account, generations: { [id]: line2 } }, found?.revision ?? '');
    await receive(stores, canceled(1));
    expect(await line(stores)).toMatchObject({ open: true });
    await end(stores, { run: 2 });
    await receive(stores, canceled(2));
    expect(await line(stores)).toMatchObject({ open: false });
  });

  it('keeps the possible charge of a canceled clip reserved until the charge is known', async () => {
    const stores = await opened();
    const attempt = { key: 'clip.1', generationId: id, kind: 'clip' as const, status: 'submitted' as const, scene: 0 };
    const { value, revision } = await stores.purchases.create({
      ...attempt,
      ...{ model: 'google/veo-3.1', fingerprint: 'f', createdAt: at, updatedAt: at },
    });
    const scene = { index: 0, status: 'canceled', attempt: 1, modelIndex: 0, cached: false, costMicros: 0 } as const;
    await end(stores, { scenes: [{ ...scene, allowanceMicros: 480_000 }] });
    await receive(stores, canceled(1));
    expect(await line(stores)).toEqual({ reservedMicros: 480_000, spentMicros: 0, open: true, run: 1 });
    // The charge is known, but its event is not published yet.
    await stores.purchases.save({ ...value, status: 'canceled', charge: charge('a', 120_000) }, revision);
    await receive(stores, canceled(1));
    expect(await line(stores)).toEqual({ reservedMicros: 120_000, spentMicros: 0, open: true, run: 1 });
    await receive(stores, abandoned(0, [charge('a', 120_000)]));
    expect(await line(stores)).toEqual({ reservedMicros: 120_000, spentMicros: 120_000, open: false, run: 1 });
  });
});

const adjustment = (of: Charge, amountMicros: number): Charge => ({
  ...of,
  ...{ key: `adjustment:${of.key}`, kind: 'adjustment', adjusts: of.key, quantity: 0, amountMicros },
});
const adjusted = (of: Charge, amountMicros: number, day = '2026-02-03'): DomainEvent => ({
  name: 'charge.adjusted',
  body: { ...base, at: `${day}T00:00:00.000Z`, charges: [of, adjustment(of, amountMicros)], charge: of.key },
});

describe('what a provider billed', () => {
  it.each<[string, DomainEvent[], number]>([
    ['less, with the charge', [abandoned(0, [charge('a', 100), adjustment(charge('a', 100), -40)])], 60],
    ['less, later', [abandoned(0, [charge('a', 100)]), adjusted(charge('a', 100), -40)], 60],
    ['less, before the charge arrives', [adjusted(charge('a', 100), -40), abandoned(0, [charge('a', 100)])], 60],
    ['nothing, later', [abandoned(0, [charge('a', 100)]), adjusted(charge('a', 100), -100)], 0],
    ['more, later', [abandoned(0, [charge('a', 100)]), adjusted(charge('a', 100), 7)], 107],
  ])('is in the ledger, the usage, the account and the cost of the generation: %s', async (_name, events, billed) => {
    const stores = await opened();
    for (const event of [...events, ...events]) await receive(stores, event);
    await end(stores);
    await receive(stores, canceled(1));
    expect((await stores.ledger.entries(id)).reduce((sum, { amountMicros }) => sum + amountMicros, 0)).toBe(billed);
    const usage = await stores.ledger.usage('ann', '2026-01-01', '2026-02-28');
    // On the day of the charge, although the bill came in another month.
    expect(usage).toMatchObject([{ count: 1, amountMicros: billed }]);
    const found = (await stores.accounts.get('ann', period))?.value;
    expect(found && sumsOf(found)).toEqual({ spentMicros: billed, reservedMicros: 0 });
    const costs = events.reduce(
      (before, event, n) => decide(before, { ...event, id: `e${n}` }, new Map()).state,
      state,
    );
    expect(costs.costMicros).toBe(billed);
  });

  it('is the sum of the entries for any bills, in any order and repetition of the events', async () => {
    const purchase = fc.record({
      micros: fc.nat(1_000_000),
      billed: fc.nat(1_200_000),
      /** The charge and its adjustment come in one event, or in two. */
      isLate: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(purchase, { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.nat()),
        async (all, order) => {
          const stores = await opened();
          const events = all.flatMap(({ micros, billed, isLate }, n) => {
            const one = charge(`p${n}`, micros);
            const more = billed === micros ? [] : [adjustment(one, billed - micros)];
            return isLate && billed !== micros
              ? [abandoned(n, [one]), adjusted(one, billed - micros)]
              : [abandoned(n, [one, ...more])];
          });
          const shuffled = [...events, ...events]
            .map((event) => ({ event, at: order.next().value as number }))
            .sort((a, b) => a.at - b.at);
          for (const { event } of shuffled) {
            await receive(stores, event);
            for (const row of await stores.ledger.usage('ann', '2026-01-01', '2026-02-28'))
              expect(row.amountMicros).toBeGreaterThanOrEqual(0);
            expect(sumsOf((await stores.accounts.get('ann', period))!.value).spentMicros).toBeGreaterThanOrEqual(0);
          }
          await end(stores);
          await receive(stores, canceled(1));
          const billedMicros = all.reduce((sum, { billed }) => sum + billed, 0);
          expect((await stores.ledger.entries(id)).reduce((sum, { amountMicros }) => sum + amountMicros, 0)).toBe(
            billedMicros,
          );
          const found = (await stores.accounts.get('ann', period))!.value;
          expect(sumsOf(found)).toEqual({ spentMicros: billedMicros, reservedMicros: 0 });
        },
      ),
      { numRuns: 40 },
    );
  });
});
