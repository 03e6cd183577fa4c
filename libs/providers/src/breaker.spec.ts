import { describe, expect, it } from '@jest/globals';
import { FAILURE_CODES, type FailureCode } from '@clipmesh/contracts';
import fc from 'fast-check';
import { BreakerBoard } from './breaker.board.js';
import { type BreakerEvent, type BreakerState, CLOSED, stepBreaker, verdictOf } from './breaker.js';
import { sharedMemory } from '../test/shared.memory.js';

const settings = { failures: 3, openMs: 1000 };
const open = { phase: 'open', untilMs: 500 } as const;
const half = { phase: 'half-open', probeUntilMs: 500 } as const;

describe('breaker', () => {
  it.each<[BreakerState, BreakerEvent, number, BreakerState, boolean | undefined]>([
    [CLOSED, 'ask', 0, CLOSED, true],
    [CLOSED, 'failure', 0, { phase: 'closed', failures: 1 }, undefined],
    [{ phase: 'closed', failures: 2 }, 'failure', 7, { phase: 'open', untilMs: 1007 }, undefined],
    [{ phase: 'closed', failures: 2 }, 'success', 0, CLOSED, undefined],
    [{ phase: 'closed', failures: 2 }, 'neutral', 0, { phase: 'closed', failures: 2 }, undefined],
    [open, 'ask', 499, open, false],
    [open, 'ask', 500, { phase: 'half-open', probeUntilMs: 1500 }, true],
    [open, 'success', 0, open, undefined],
    [open, 'failure', 400, open, undefined],
    [half, 'ask', 499, half, false],
    [half, 'ask', 500, { phase: 'half-open', probeUntilMs: 1500 }, true],
    [half, 'success', 0, CLOSED, undefined],
    [half, 'failure', 100, { phase: 'open', untilMs: 1100 }, undefined],
    [half, 'neutral', 100, { phase: 'half-open', probeUntilMs: 100 }, undefined],
  ])('%j on %s at %i is %j', (state, event, now, next, allowed) => {
    const step = stepBreaker(state, event, now, settings);
    expect(step.state).toEqual(next);
    if (event === 'ask') expect(step.allowed).toBe(allowed);
  });

  it('lets at most one probe through per open time, and never stays shut', () => {
    const event = fc.tuple(fc.constantFrom<BreakerEvent>('ask', 'failure'), fc.nat(400));
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
          if (kind === 'ask' && before.phase !== 'closed' && step.allowed) {
            expect(now - lastProbe).toBeGreaterThanOrEqual(settings.openMs);
            lastProbe = now;
          }
        }
        expect(stepBreaker(state, 'ask', now + settings.openMs, settings).allowed).toBe(true);
      }),
    );
  });

  it.each(Object.keys(FAILURE_CODES) as FailureCode[])('%s', (code) => {
    const failures = ['PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT'];
    expect(verdictOf(code)).toBe(failures.includes(code) ? 'failure' : 'neutral');
  });
});

describe('breakers of many replicas', () => {
  const refused = { code: 'PROVIDER_UNAVAILABLE', retryable: false };
  it('count together, open for all, and let one of all probe', async () => {
    let clock = 0;
    const store = sharedMemory();
    const boards = [1, 2, 3].map(() => new BreakerBoard(settings, store, undefined, () => clock));
    for (const board of boards) await board.tell('a', 'failure');
    for (const board of boards) await expect(board.ask('a')).rejects.toMatchObject({ ...refused, retryAfterMs: 1000 });
    await boards[0]?.ask('b');
    clock = 1000;
    const asked = await Promise.allSettled(boards.map((board) => board.ask('a')));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await boards[1]?.tell('a', 'success');
    await Promise.all(boards.map((board) => board.ask('a')));
  });

  it('go by what they know while the store is away', async () => {
    const store = sharedMemory();
    const lines: object[] = [];
    const log = { info: () => undefined, warn: (fields: object) => void lines.push(fields) };
    const board = new BreakerBoard(settings, store, log, () => 0);
    store.away = true;
    for (let n = 0; n < 3; n += 1) await board.tell('a', 'failure');
    await expect(board.ask('a')).rejects.toMatchObject(refused);
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'provider.breaker.changed', from: 'closed', to: 'open' }),
    );
  });
});
