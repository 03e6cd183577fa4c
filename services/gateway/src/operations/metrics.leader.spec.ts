import { createMemoryLimitStore } from '@clipmesh/persistence';
import { describe, expect, it } from '@jest/globals';
import { MetricsLeader } from './metrics.leader.js';

describe('the metrics leader', () => {
  it('leads until its lease expires, then another gateway leads', async () => {
    const store = createMemoryLimitStore();
    let nowMs = 1000;
    const [a, b] = ['a', 'b'].map((id) => new MetricsLeader({ store, id, leaseMs: 100, now: () => nowMs }));
    if (a === undefined || b === undefined) throw new Error('expected two leaders');
    expect([await a.leads(), await b.leads()]).toEqual([true, false]);
    nowMs += 99;
    expect([await b.leads(), await a.leads()]).toEqual([false, true]);
    nowMs += 99;
    expect(await b.leads()).toBe(false);
    nowMs += 1;
    expect([await b.leads(), await a.leads()]).toEqual([true, false]);
    // A gateway that does not lead releases nothing.
    await a.resign();
    expect(await a.leads()).toBe(false);
    await b.resign();
    expect(await a.leads()).toBe(true);
  });

  it('is a single one of many concurrent candidates', async () => {
    const store = createMemoryLimitStore();
    const all = Array.from({ length: 20 }, (_, n) => new MetricsLeader({ store, id: `${n}`, leaseMs: 100 }));
    const answers = await Promise.all(all.map((leader) => leader.leads()));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  it('is elected when the stored value is not a lease', async () => {
    const store = createMemoryLimitStore();
    await store.save('metrics.leader', 'something else', undefined);
    expect(await new MetricsLeader({ store, id: 'a', leaseMs: 100 }).leads()).toBe(true);
  });
});
