import { SAMPLE_MODELS } from '@clipmesh/testing';
import {
  createGenerationSchema,
  GenerationProgressed,
  type GenerationRecord,
  type Outgoing,
} from '@clipmesh/contracts';
import { createMemoryStores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type BudgetSweepDeps, recordCharges, sweepAccount, sweepUnreserved } from '@clipmesh/billing';
import { reserveBudget } from './budget.problems.js';
import { buildJob } from '../jobs/job.builder.js';

const id = `gen_${'1'.repeat(32)}`;
const other = `gen_${'2'.repeat(32)}`;
const period = '2026-01-01';
const rules = { limitMicros: 10_000_000, period: 'day' } as const;
const defaults = {
  models: ['google/veo-3.1'],
  table: SAMPLE_MODELS,
  parallelEnabled: true,
  maxWorkers: 4,
  fallbackAfter: 3,
};
const job = buildJob(createGenerationSchema.parse({ prompt: 'A kettle that sings.', maxCostUsd: 6 }), defaults);
const at = '2026-01-01T00:00:00.000Z';
/** Late enough that no request can still be starting the run. */
const lateMs = Date.parse(at) + 16_000;
const record: GenerationRecord = {
  ...{ id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), account: { period } },
  state: { ...initialState(job), status: 'generating', run: 2 },
};

describe('a run that started without a reservation', () => {
  let stores: ReturnType<typeof createMemoryStores>;
  let published: Outgoing[];
  let deps: BudgetSweepDeps;
  const line = async () => (await stores.accounts.get('local', period))?.value.generations[id];

  beforeEach(async () => {
    stores = createMemoryStores();
    published = [];
    deps = { stores, rules, publish: (outgoing) => Promise.resolve(void published.push(...outgoing)) };
    await stores.generations.create(record);
    await reserveBudget(stores, rules, { id, owner: 'local', period, micros: 6_000_000, run: 1 });
    const account = await stores.accounts.get('local', period);
    const previous = account?.value.generations[id];
    if (account === undefined || previous === undefined) throw new Error('no account line');
    // The first run is settled.
    const settled = { ...previous, open: false, spentMicros: 1_000_000 };
    await stores.accounts.save({ ...account.value, generations: { [id]: settled } }, account.revision);
  });

  it('gets its reservation from the next sweep, once', async () => {
    expect(await sweepUnreserved(deps, lateMs)).toBe(1);
    expect(await line()).toMatchObject({ open: true, run: 2, reservedMicros: 6_000_000 });
    expect(await sweepUnreserved(deps, lateMs)).toBe(0);
    expect(published).toEqual([]);
  });

  it('gets its reservation while the previous run still has an unknown outcome', async () => {
    const account = await stores.accounts.get('local', period);
    const previous = account?.value.generations[id];
    if (account === undefined || previous === undefined) throw new Error('no account line');
    const unsettled = { ...previous, open: true, reservedMicros: 1_480_000 };
    await stores.accounts.save({ ...account.value, generations: { [id]: unsettled } }, account.revision);
    expect(await sweepUnreserved(deps, lateMs)).toBe(1);
    expect(await line()).toMatchObject({ open: true, run: 2, reservedMicros: 6_000_000 });
    expect(await sweepUnreserved(deps, lateMs)).toBe(0);
  });

  it('is not touched while its request is starting it, even without budget', async () => {
    await reserveBudget(stores, rules, { id: other, owner: 'local', period, micros: 8_000_000, run: 1 });
    expect(await sweepUnreserved(deps, Date.parse(at) + 1000)).toBe(0);
    expect(published).toEqual([]);
  });

  it('is canceled when the budget is used up', async () => {
    await reserveBudget(stores, rules, { id: other, owner: 'local', period, micros: 8_000_000, run: 1 });
    expect(await sweepUnreserved(deps, lateMs)).toBe(1);
    expect(published.map(({ definition }) => definition.name)).toEqual(['cancel.requested']);
    expect(await line()).toMatchObject({ open: false });
  });
});

describe('a draft that waits for its approval', () => {
  const draft: GenerationRecord = {
    ...record,
    state: {
      ...initialState({ ...job, draft: true, planMaxMicros: 10_000 }),
      ...{ status: 'awaiting_approval', stage: 'export', run: 2 },
    },
  };
  const plan = { key: 'completion:c1', kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt-4o-mini' } as const;
  const spent = { ...plan, quantity: 1, unit: 'token', amountMicros: 400, outcome: 'succeeded' } as const;
  let stores: ReturnType<typeof createMemoryStores>;
  let deps: BudgetSweepDeps;
  const published: Outgoing[] = [];
  const line = async () => (await stores.accounts.get('local', period))?.value.generations[id];
  const reserved = (micros: number, run: number, request?: string): Promise<void> =>
    reserveBudget(stores, rules, { id, owner: 'local', period, micros, run, request });

  beforeEach(async () => {
    stores = createMemoryStores();
    published.length = 0;
    deps = { stores, rules, publish: (outgoing) => Promise.resolve(void published.push(...outgoing)) };
    await stores.generations.create(draft);
    await stores.ledger.append({ ...spent, generationId: id, owner: 'local', at });
    await reserved(10_000, 1);
  });

  it('keeps only what its plan has cost', async () => {
    const waits = { run: 2, status: 'awaiting_approval', stage: 'export', progress: 100, scenes: [], costMicros: 400 };
    const body = GenerationProgressed.schema.parse({ generationId: id, at, charges: [], ...waits, cause: 'x' });
    await recordCharges(stores, { name: 'generation.progressed', body });
    expect(await line()).toMatchObject({ open: false, spentMicros: 400 });
  });

  it('needs no reservation for the runs that change it', async () => {
    expect(await sweepUnreserved(deps, lateMs)).toBe(0);
    expect(await line()).toMatchObject({ run: 1, reservedMicros: 10_000 });
  });

  it('loses the reservation of an approval that was not stored, and can be approved again', async () => {
    await reserved(6_000_000, 3, 'approval');
    expect(await sweepAccount(deps, 'local', period, Date.parse(at) + 1000)).toBe(0);
    expect(await line()).toMatchObject({ open: true, reservedMicros: 6_000_000 });
    expect(await sweepAccount(deps, 'local', period, lateMs)).toBe(1);
    expect(await line()).toMatchObject({ open: false, spentMicros: 400 });
    expect(await sweepAccount(deps, 'local', period, lateMs)).toBe(0);
    await reserved(6_000_000, 3, 'again');
    expect(await line()).toMatchObject({ open: true, reservedMicros: 6_000_000, run: 3 });
    expect(published).toEqual([]);
  });

  it('keeps the reservation of its approval', async () => {
    await reserved(6_000_000, 3, 'approval');
    const found = await stores.generations.get(id);
    if (found === undefined) throw new Error('no record');
    const state = { ...found.value.state, approved: true, status: 'generating', run: 3 } as const;
    await stores.generations.save({ ...found.value, state }, found.revision);
    expect(await sweepAccount(deps, 'local', period, lateMs)).toBe(0);
    expect(await sweepUnreserved(deps, lateMs)).toBe(0);
    expect(await line()).toMatchObject({ open: true, reservedMicros: 6_000_000 });
  });
});
