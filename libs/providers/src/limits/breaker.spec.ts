import { describe, expect, it } from '@jest/globals';
import { FAILURE_CODES, type FailureCode } from '@clipmesh/contracts';
import fc from 'fast-check';
import { CircuitBreakers } from './breaker.registry.js';
import { type BreakerEvent, type BreakerState, CLOSED, stepBreaker, breakerEventOf } from './breaker.js';
import { sharedMemory } from '../../test/shared.memory.js';

const settings = { failures: 3, openMs: 1000 };
const open = { phase: 'open', untilMs: 500 } as const;
const half = { phase: 'half-open', probeUntilMs: 500 } as const;

describe('circuit breaker', () => {
  it.each<[BreakerState, BreakerEvent, number, BreakerState, boolean | undefined]>([
    [CLOSED, 'call', 0, CLOSED, true],
    [CLOSED, 'failure', 0, { phase: 'closed', failures: 1 }, undefined],
    [{ phase: 'closed', failures: 2 }, 'failure', 7, { phase: 'open', untilMs: 1007 }, undefined],
    [{ phase: 'closed', failures: 2 }, 'success', 0, CLOSED, undefined],
    [{ phase: 'closed', failures: 2 }, 'neutral', 0, { phase: 'closed', failures: 2 }, undefined],
    [open, 'call', 499, open, false],
    [open, 'call', 500, { phase: 'half-open', probeUntilMs: 1500 }, true],
    [open, 'success', 0, open, undefined],
    [open, 'failure', 400, open, undefined],
    [half, 'call', 499, half, false],
    [half, 'call', 500, { phase: 'half-open', probeUntilMs: 1500 }, true],
    [half, 'success', 0, CLOSED, undefined],
    [half, 'failure', 100, { phase: 'open', untilMs: 1100 }, undefined],
    [half, 'neutral', 100, { phase: 'half-open', probeUntilMs: 100 }, undefined],
  ])('%j on %s at %i becomes %j', (state, event, now, next, allowed) => {
    const step = stepBreaker(state, event, now, settings);
    expect(step.state).toEqual(next);
    if (event === 'call') expect(step.allowed).toBe(allowed);
  });

  it('allows at most one probe per open time, and always allows one after it', () => {
    const event = fc.tuple(fc.constantFrom<BreakerEvent>('call', 'failure'), fc.nat(400));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        let state: BreakerState = CLOSED;
        let now = 0;
        let lastProbe = -Infinity;
        for (const [kind, gap] of events) {
          now += gap;
          const before: BreakerState = state;
          const step = stepBreaker(before, kind, now, settings);
          state = step.state;
          if (kind === 'call' && before.phase !== 'closed' && step.allowed) {
            expect(now - lastProbe).toBeGreaterThanOrEqual(settings.openMs);
            lastProbe = now;
          }
        }
        expect(stepBreaker(state, 'call', now + settings.openMs, settings).allowed).toBe(true);
      }),
    );
  });

  it.each(Object.keys(FAILURE_CODES) as FailureCode[])('maps the failure code %s to an event', (code) => {
    const failures = ['PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT'];
    expect(breakerEventOf(code)).toBe(failures.includes(code) ? 'failure' : 'neutral');
  });
});

describe('circuit breakers of several replicas', () => {
  const refused = { code: 'PROVIDER_UNAVAILABLE', retryable: false };
  it('count failures together, open for all replicas, and allow one probe among them', async () => {
    let clock = 0;
    const store = sharedMemory();
    const replicas = [1, 2, 3].map(() => new CircuitBreakers(settings, store, undefined, () => clock));
    for (const replica of replicas) await replica.record('a', 'failure');
    for (const replica of replicas)
      await expect(replica.check('a')).rejects.toMatchObject({ ...refused, retryAfterMs: 1000 });
    await replicas[0]?.check('b');
    clock = 1000;
    const checks = await Promise.allSettled(replicas.map((replica) => replica.check('a')));
    expect(checks.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await replicas[1]?.record('a', 'success');
    await Promise.all(replicas.map((replica) => replica.check('a')));
  });

  it('use local state while the store is unavailable', async () => {
    const store = sharedMemory();
    const lines: object[] = [];
    const log = { info: () => undefined, warn: (fields: object) => void lines.push(fields) };
    const replica = new CircuitBreakers(settings, store, log, () => 0);
    store.away = true;
    for (let n = 0; n < 3; n += 1) await replica.record('a', 'failure');
    await expect(replica.check('a')).rejects.toMatchObject(refused);
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'provider.breaker.changed', from: 'closed', to: 'open' }),
    );
  });
});
