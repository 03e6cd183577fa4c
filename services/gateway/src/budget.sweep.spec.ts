import { type GenerationRecord, type Outgoing } from '@clipmesh/contracts';
import { createMemoryStores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type BudgetSweepDeps, reserveBudget, sweepUnreserved } from './budget.js';
import { buildJob, parseRequest } from './job.builder.js';

const id = `gen_${'1'.repeat(32)}`;
const other = `gen_${'2'.repeat(32)}`;
const period = '2026-01-01';
const rules = { limitMicros: 10_000_000, period: 'day' } as const;
const defaults = { models: ['google/veo-3.1'], parallelEnabled: true, maxWorkers: 4, fallbackAfter: 3 };
const job = buildJob(parseRequest({ prompt: 'A kettle that sings.', maxCostUsd: 6 }), defaults);
const at = '2026-01-01T00:00:00.000Z';
/** Nobody is beginning the run any more. */
const lateMs = Date.parse(at) + 16_000;
const record: GenerationRecord = {
  ...{ id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), account: { period } },
  state: { ...initialState(job), status: 'generating', run: 2 },
};

describe('a run that began without its money being set aside', () => {
  let stores: ReturnType<typeof createMemoryStores>;
  let told: Outgoing[];
  let deps: BudgetSweepDeps;
  const line = async () => (await stores.accounts.get('local', period))?.value.generations[id];

  beforeEach(async () => {
    stores = createMemoryStores();
    told = [];
    deps = { stores, rules, publish: (outgoing) => Promise.resolve(void told.push(...outgoing)) };
    await stores.generations.create(record);
    await reserveBudget(stores, rules, { id, owner: 'local', period, micros: 6_000_000, run: 1 });
    const account = await stores.accounts.get('local', period);
    const former = account?.value.generations[id];
    if (account === undefined || former === undefined) throw new Error('there is no line');
    // The first run is settled.
    const settled = { ...former, open: false, spentMicros: 1_000_000 };
    await stores.accounts.save({ ...account.value, generations: { [id]: settled } }, account.revision);
  });

  it('has it set aside by the next sweep, once', async () => {
    expect(await sweepUnreserved(deps, lateMs)).toBe(1);
    expect(await line()).toMatchObject({ open: true, run: 2, reservedMicros: 6_000_000 });
    expect(await sweepUnreserved(deps, lateMs)).toBe(0);
    expect(told).toEqual([]);
  });

  it('has it set aside although some of the run before is in doubt still', async () => {
    const account = await stores.accounts.get('local', period);
    const former = account?.value.generations[id];
    if (account === undefined || former === undefined) throw new Error('there is no line');
    const doubtful = { ...former, open: true, reservedMicros: 1_480_000 };
    await stores.accounts.save({ ...account.value, generations: { [id]: doubtful } }, account.revision);
    expect(await sweepUnreserved(deps, lateMs)).toBe(1);
    expect(await line()).toMatchObject({ open: true, run: 2, reservedMicros: 6_000_000 });
    expect(await sweepUnreserved(deps, lateMs)).toBe(0);
  });

  it('is left alone while it is being begun: where there is no money it is taken back', async () => {
    await reserveBudget(stores, rules, { id: other, owner: 'local', period, micros: 8_000_000, run: 1 });
    expect(await sweepUnreserved(deps, Date.parse(at) + 1000)).toBe(0);
    expect(told).toEqual([]);
  });

  it('is stopped where there is none', async () => {
    await reserveBudget(stores, rules, { id: other, owner: 'local', period, micros: 8_000_000, run: 1 });
    expect(await sweepUnreserved(deps, lateMs)).toBe(1);
    expect(told.map(({ definition }) => definition.name)).toEqual(['cancel.requested']);
    expect(await line()).toMatchObject({ open: false });
  });
});
