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
  it('an endpoint that does not answer holds its own lane only', () => {
    const { lanes, wait } = lanesAt();
    lanes.acquire('ann', 'hangs');
    const leave = lanes.acquire('ann', 'hangs');
    expect(wait('ann', 'hangs')).toBe(0);
    expect(wait('ann', 'other')).toBeUndefined();
    expect(wait('bob', 'hangs')).toBeUndefined();
    leave(answered);
    // Given back once, however often it is called.
    leave(answered);
    expect(wait('ann', 'hangs')).toBeUndefined();
    lanes.acquire('ann', 'hangs');
    expect(wait('ann', 'hangs')).toBe(0);
  });

  it('an owner whose endpoints all hang holds his own share only', () => {
    const { lanes, wait } = lanesAt();
    for (const endpoint of ['a', 'b', 'c']) lanes.acquire('ann', endpoint);
    expect(wait('ann', 'd')).toBe(0);
    for (const endpoint of ['a', 'b', 'c']) lanes.acquire('bob', endpoint);
    expect(wait('eve', 'a')).toBeUndefined();
  });

  it('names that look alike are two lanes', () => {
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
    ['what it asks for', [], [{ kind: 'failed', retryAfterMs: 700 }], 700],
    ['more than the longest time', [], [{ kind: 'failed', retryAfterMs: 99_000 }], 5000],
  ])('after %s it is left alone for so long', (_what, passes, ends, expected) => {
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

  it('one call probes an endpoint that was left alone, and calls from before do not lengthen that', () => {
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

  it('hold their limits, and come back to nothing, whatever enters and leaves in whatever order', () => {
    const step = fc.record({
      owner: fc.constantFrom('ann', 'bob'),
      endpoint: fc.constantFrom('a', 'b', 'c'),
      leaves: fc.nat(5),
      end: fc.constantFrom<CallResult>(answered, failed, { kind: 'stopped' }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { lanes, pass } = lanesAt();
        const inside: { owner: string; endpoint: string; leave: (end: CallResult) => void }[] = [];
        for (const { owner, endpoint, leaves, end } of steps) {
          try {
            inside.push({ owner, endpoint, leave: lanes.acquire(owner, endpoint) });
          } catch (error) {
            expect(error).toBeInstanceOf(Postponed);
          }
          const own = inside.filter((one) => one.owner === owner);
          expect(own.length).toBeLessThanOrEqual(rules.perOwner);
          expect(own.filter((one) => one.endpoint === endpoint).length).toBeLessThanOrEqual(rules.perEndpoint);
          if (leaves > 2) inside.splice(leaves % Math.max(1, inside.length), 1)[0]?.leave(end);
          pass(300);
        }
        for (const { leave } of inside) leave(answered);
        pass(100_000);
        for (const owner of ['ann', 'bob'])
          for (let n = 0; n < rules.perOwner; n += 1) lanes.acquire(owner, `new ${n}`);
      }),
    );
  });
});
