import { Postponed } from '@clipmesh/messaging';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CallResult, WebhookLanes } from './webhook.lanes.js';

const rules = { perEndpoint: 2, perOwner: 3, failures: 3, openMs: 1000, maxOpenMs: 5000 };
const answered: CallResult = { kind: 'answered' };
const failed: CallResult = { kind: 'failed' };

function lanesAt() {
  let nowMs = 1_000_000;
  const lanes = new WebhookLanes(rules, () => nowMs);
  const wait = (owner: string, endpoint: string): number | undefined => {
    try {
      lanes.acquire(owner, endpoint)({ kind: 'stopped' });
      return undefined;
    } catch (error) {
      if (!(error instanceof Postponed)) throw error;
      return error.delayMs;
    }
  };
  return { lanes, wait, pass: (ms: number) => (nowMs += ms) };
}

describe('lanes', () => {
  it('an endpoint that does not answer blocks only its own lane', () => {
    const { lanes, wait } = lanesAt();
    lanes.acquire('ann', 'hangs');
    const release = lanes.acquire('ann', 'hangs');
    expect(wait('ann', 'hangs')).toBe(0);
    expect(wait('ann', 'other')).toBeUndefined();
    expect(wait('bob', 'hangs')).toBeUndefined();
    release(answered);
    // A repeated call releases nothing.
    release(answered);
    expect(wait('ann', 'hangs')).toBeUndefined();
    lanes.acquire('ann', 'hangs');
    expect(wait('ann', 'hangs')).toBe(0);
  });

  it('an owner whose endpoints all hang uses only the own limit', () => {
    const { lanes, wait } = lanesAt();
    for (const endpoint of ['a', 'b', 'c']) lanes.acquire('ann', endpoint);
    expect(wait('ann', 'd')).toBe(0);
    for (const endpoint of ['a', 'b', 'c']) lanes.acquire('bob', endpoint);
    expect(wait('eve', 'a')).toBeUndefined();
  });

  it('owner and endpoint names with spaces do not collide', () => {
    const { lanes, wait } = lanesAt();
    lanes.acquire('a b', 'c');
    lanes.acquire('a b', 'c');
    expect([wait('a', 'b c'), wait('a b', 'c')]).toEqual([undefined, 0]);
  });

  it.each<[string, number[], CallResult[], number | undefined]>([
    ['two failures', [], [failed, failed], undefined],
    ['three failures', [], [failed, failed, failed], 1000],
    ['three failures with an answer between', [], [failed, failed, answered, failed], undefined],
    ['a stop between', [], [failed, failed, { kind: 'stopped' }, failed], 1000],
    ['a failed probe', [1000], [failed, failed, failed, failed], 2000],
    ['two failed probes', [1000, 2000], [failed, failed, failed, failed, failed], 4000],
    ['three failed probes', [1000, 2000, 4000], [failed, failed, failed, failed, failed, failed], 5000],
    ['an answered probe', [1000], [failed, failed, failed, answered], undefined],
    ['a Retry-After', [], [{ kind: 'failed', retryAfterMs: 700 }], 700],
    ['a Retry-After beyond the maximum', [], [{ kind: 'failed', retryAfterMs: 99_000 }], 5000],
  ])('the circuit after %s is open for the expected time', (_what, passes, ends, expected) => {
    const { lanes, wait, pass } = lanesAt();
    const left = [...passes];
    for (const end of ends) {
      if (wait('ann', 'a') !== undefined) pass(left.shift() ?? 0);
      lanes.acquire('ann', 'a')(end);
    }
    expect(wait('ann', 'a')).toBe(expected);
    expect(lanes.open).toBe(expected === undefined ? 0 : 1);
    expect(wait('ann', 'b')).toBeUndefined();
  });

  it('one call probes an endpoint after an open circuit, and earlier calls do not extend the circuit', () => {
    const { lanes, wait, pass } = lanesAt();
    const early = lanes.acquire('ann', 'a');
    for (let n = 0; n < 3; n += 1) lanes.acquire('ann', 'a')(failed);
    early(failed);
    expect(wait('ann', 'a')).toBe(1000);
    pass(1000);
    const probe = lanes.acquire('ann', 'a');
    expect(wait('ann', 'a')).toBe(0);
    probe(answered);
    lanes.acquire('ann', 'a');
    expect(wait('ann', 'a')).toBeUndefined();
  });

  it('keep their limits and release everything, in any order of calls', () => {
    const step = fc.record({
      owner: fc.constantFrom('ann', 'bob'),
      endpoint: fc.constantFrom('a', 'b', 'c'),
      index: fc.nat(5),
      end: fc.constantFrom<CallResult>(answered, failed, { kind: 'stopped' }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { lanes, pass } = lanesAt();
        const running: { owner: string; endpoint: string; release: (end: CallResult) => void }[] = [];
        for (const { owner, endpoint, index, end } of steps) {
          try {
            running.push({ owner, endpoint, release: lanes.acquire(owner, endpoint) });
          } catch (error) {
            expect(error).toBeInstanceOf(Postponed);
          }
          const own = running.filter((one) => one.owner === owner);
          expect(own.length).toBeLessThanOrEqual(rules.perOwner);
          expect(own.filter((one) => one.endpoint === endpoint).length).toBeLessThanOrEqual(rules.perEndpoint);
          if (index > 2) running.splice(index % Math.max(1, running.length), 1)[0]?.release(end);
          pass(300);
        }
        for (const { release } of running) release(answered);
        pass(100_000);
        for (const owner of ['ann', 'bob'])
          for (let n = 0; n < rules.perOwner; n += 1) lanes.acquire(owner, `new ${n}`);
      }),
    );
  });
});
