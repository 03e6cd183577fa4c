import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changeAccount } from './account.book.js';
import { type AccountLine, committed, observe, periodEnd, periodOf, reserve, settle, sumsOf } from './account.js';

interface Account {
  owner: string;
  period: string;
  generations: Record<string, AccountLine>;
}
const empty: Account = { owner: 'ann', period: '2026-01', generations: {} };

/** A store that lets every caller read before anyone writes, so that conflicts are the rule. */
function store() {
  let row: { value: Account; revision: string } | undefined;
  let count = 0;
  const coded = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
  const put = (value: Account) => Promise.resolve((row = { value, revision: String((count += 1)) }));
  return {
    get: () => Promise.resolve(row),
    create: (value: Account) => (row === undefined ? put(value) : coded('ALREADY_EXISTS')),
    save: (value: Account, revision: string) => (row?.revision === revision ? put(value) : coded('CONFLICT')),
    now: () => row?.value ?? empty,
  };
}

describe('an account', () => {
  it('never holds more than its limit, whatever is reserved, spent within the reservation, repeated and ended', () => {
    const step = fc.record({
      kind: fc.constantFrom('reserve', 'spend', 'late', 'settle'),
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      micros: fc.nat(60),
      run: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let account = empty;
        for (const { kind, id, micros, run } of steps) {
          const line = account.generations[id];
          if (kind === 'reserve') {
            const decided = reserve(account, id, { micros, limitMicros: 100, run });
            if (decided.accepted) account = decided.account;
            else expect(decided.leftMicros).toBeLessThan(Math.max(micros, line?.spentMicros ?? 0));
          } else if (line !== undefined) {
            if (kind === 'spend' && line.open) account = observe(account, id, Math.min(micros, line.reservedMicros));
            if (kind === 'late') expect(observe(account, id, line.spentMicros)).toBe(account);
            if (kind === 'settle') {
              const end = { run, spentMicros: line.spentMicros, mostMicros: micros };
              const ended = settle(account, id, end);
              expect(settle(ended, id, end)).toBe(ended);
              expect(ended.generations[id]?.open).toBe(line.open && (line.run > run || micros > line.spentMicros));
              if (line.run > run) expect(ended).toBe(account);
              account = ended;
            }
          }
          const { spentMicros, reservedMicros } = sumsOf(account);
          expect(committed(account)).toBeLessThanOrEqual(100);
          expect(spentMicros + reservedMicros).toBe(committed(account));
        }
      }),
    );
  });

  it('gives ten of a hundred at once their share, and refuses ninety', async () => {
    const accounts = store();
    let refused = 0;
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => {
        let accepted = false;
        return changeAccount(accounts, empty, (account) => {
          const decided = reserve(account, `g${n}`, { micros: 10, limitMicros: 100, run: 1 });
          accepted = decided.accepted;
          return decided.accepted ? decided.account : undefined;
        }).then(() => (refused += accepted ? 0 : 1));
      }),
    );
    expect([refused, committed(accounts.now())]).toEqual([90, 100]);
  });

  it('keeps what may still be charged, and frees it once that is known', () => {
    const reserved = reserve(empty, 'a', { micros: 60, limitMicros: 100, run: 1 });
    if (!reserved.accepted) throw new Error('there was money');
    const doubtful = settle(reserved.account, 'a', { run: 1, spentMicros: 10, mostMicros: 30 });
    expect([committed(doubtful), doubtful.generations['a']?.open]).toEqual([30, true]);
    expect(reserve(doubtful, 'b', { micros: 71, limitMicros: 100, run: 1 })).toEqual({
      accepted: false,
      leftMicros: 70,
    });
    const known = settle(doubtful, 'a', { run: 1, spentMicros: 25, mostMicros: 25 });
    expect([committed(known), known.generations['a']?.open]).toEqual([25, false]);
  });

  it('asks for the whole again when less than that is still promised', () => {
    const line = { reservedMicros: 30, spentMicros: 10, open: true, run: 1 };
    const account = { ...empty, generations: { a: line, b: { ...line, spentMicros: 30, reservedMicros: 50 } } };
    const again = { micros: 60, run: 2 };
    expect(reserve(account, 'a', { ...again, limitMicros: 100 })).toEqual({ accepted: false, leftMicros: 50 });
    const decided = reserve(account, 'a', { ...again, limitMicros: 110 });
    expect(decided.accepted && decided.account.generations['a']).toEqual({ ...line, reservedMicros: 60, run: 2 });
  });

  it('has periods in UTC', () => {
    const at = new Date('2026-12-31T23:59:59.999Z');
    expect([periodOf('day', at), periodOf('month', at)]).toEqual(['2026-12-31', '2026-12']);
    expect([periodEnd('2026-12-31'), periodEnd('2026-12')].map((end) => end.toISOString())).toEqual([
      '2027-01-01T00:00:00.000Z',
      '2027-01-01T00:00:00.000Z',
    ]);
  });
});
