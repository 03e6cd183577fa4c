import { describe, expect, it } from '@jest/globals';
import { type Charge, type DomainEvent, type GenerationRecord } from '@clipmesh/contracts';
import { type Account, createMemoryStores, type Stores } from '@clipmesh/persistence';
import { committed, initialState } from '@clipmesh/pipeline';
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
  account: { period, run: 1 },
};
const account: Account = {
  owner: 'ann',
  period,
  generations: { [id]: { reservedMicros: 1_000_000, spentMicros: 0, open: true } },
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

/** Stores of a process that dies after so many writes. */
function dying({ ledger, accounts, ...others }: Stores, writes: number): Stores {
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
const line = async (stores: Stores) => (await stores.accounts.get('ann', period))?.value.generations[id];

describe('the account of an owner', () => {
  it.each([0, 1, 2, 3, 4])('holds after a kill behind write %i and the redelivery', async (writes) => {
    const stores = await opened();
    const mortal = dying(stores, writes);
    const events = [abandoned(0, [charge('a', 480_000), charge('b', 7)]), canceled(1)];
    for (const event of events) {
      await receive(mortal, event).catch(() => receive(stores, event));
      const now = (await stores.accounts.get('ann', period))?.value;
      expect(now && committed(now)).toBe(event === events[1] ? 480_007 : 1_000_000);
    }
    expect(await line(stores)).toEqual({ reservedMicros: 1_000_000, spentMicros: 480_007, open: false });
  });

  it('sets what was spent: repeats and late charges count once', async () => {
    const stores = await opened();
    const first = abandoned(0, [charge('a', 5)]);
    for (const event of [first, first, canceled(1), abandoned(1, [charge('c', 2)]), first, canceled(1)])
      await receive(stores, event);
    expect(await line(stores)).toMatchObject({ spentMicros: 7, open: false });
  });

  it('keeps the money of the next run when the end of the last one comes late', async () => {
    const stores = await opened({ ...record, account: { period, run: 2 } });
    await receive(stores, canceled(1));
    expect(await line(stores)).toMatchObject({ open: true });
    await receive(stores, canceled(2));
    expect(await line(stores)).toMatchObject({ open: false });
  });
});
