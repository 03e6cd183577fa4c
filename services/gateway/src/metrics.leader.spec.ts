import { createMemoryLimitStore } from '@clipmesh/persistence';
import { describe, expect, it } from '@jest/globals';
import { MetricsLeader } from './metrics.leader.js';

describe('the gateway that exports what all see', () => {
  it('is one of them, for as long as it is asked, and then another', async () => {
    const store = createMemoryLimitStore();
    let nowMs = 1000;
    const [a, b] = ['a', 'b'].map((id) => new MetricsLeader({ store, id, leaseMs: 100, now: () => nowMs }));
    if (a === undefined || b === undefined) throw new Error('there are two');
    expect([await a.leads(), await b.leads()]).toEqual([true, false]);
    nowMs += 99;
    expect([await b.leads(), await a.leads()]).toEqual([false, true]);
    nowMs += 99;
    expect(await b.leads()).toBe(false);
    nowMs += 1;
    expect([await b.leads(), await a.leads()]).toEqual([true, false]);
    // Who does not lead gives nothing back.
    await a.resign();
    expect(await a.leads()).toBe(false);
    await b.resign();
    expect(await a.leads()).toBe(true);
  });

  it('is one of many that ask at once', async () => {
    const store = createMemoryLimitStore();
    const all = Array.from({ length: 20 }, (_, n) => new MetricsLeader({ store, id: `${n}`, leaseMs: 100 }));
    const answers = await Promise.all(all.map((leader) => leader.leads()));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  it('is found although what is kept is no lease', async () => {
    const store = createMemoryLimitStore();
    await store.save('metrics.leader', 'something else', undefined);
    expect(await new MetricsLeader({ store, id: 'a', leaseMs: 100 }).leads()).toBe(true);
  });
});
