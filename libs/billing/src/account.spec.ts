import { AlreadyExistsError, ConflictError } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changeAccount, lineOf } from './account.repository.js';
import {
  type AccountLine,
  committed,
  moveIn,
  moveOut,
  netMicros,
  observe,
  periodEnd,
  periodOf,
  reserve,
  settle,
  type SettledLine,
  spendingOf,
  sumsOf,
  surplusOf,
} from './account.js';

interface Account {
  owner: string;
  period: string;
  generations: Record<string, AccountLine>;
  settledMicros?: number;
}
const empty: Account = { owner: 'ann', period: '2026-01', generations: {} };

/** A store whose concurrent callers all read before the first one writes, so that most writes conflict. */
function store(settledLines = 64) {
  const lines = new Map<string, SettledLine>();
  let writes = 0;
  let row: { value: Account; revision: string } | undefined;
  let count = 0;
  const put = (value: Account) => Promise.resolve((row = { value, revision: String((count += 1)) }));
  return {
    get: () => Promise.resolve(row),
    create: (value: Account) =>
      row === undefined ? put(value) : Promise.reject(new AlreadyExistsError('exists already')),
    save: (value: Account, revision: string) =>
      row?.revision === revision ? put(value) : Promise.reject(new ConflictError(`past revision ${revision}`)),
    settledLines,
    settled: (_owner: string, _period: string, id: string) => Promise.resolve(lines.get(id)),
    saveSettled: ({ generationId, spentMicros, creditMicros = 0, run }: SettledLine & { generationId: string }) => {
      writes += 1;
      const before = lines.get(generationId) ?? { spentMicros: 0, run: 0 };
      const larger = {
        spentMicros: Math.max(before.spentMicros, spentMicros),
        creditMicros: Math.max(before.creditMicros ?? 0, creditMicros),
        run: Math.max(before.run, run),
      };
      return Promise.resolve(void lines.set(generationId, larger));
    },
    now: () => row?.value ?? empty,
    /** Number of documents written. */
    writes: () => count + writes,
  };
}

describe('an account', () => {
  it('never commits more than its limit, for any order of reservations, charges, repeats and settlements', () => {
    const step = fc.record({
      kind: fc.constantFrom('reserve', 'spend', 'late', 'credit', 'settle'),
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
            else expect(decided.leftMicros).toBeLessThan(Math.max(micros, line === undefined ? 0 : netMicros(line)));
          } else if (line !== undefined) {
            if (kind === 'spend' && line.open)
              account = observe(account, id, { spentMicros: Math.min(micros, line.reservedMicros) });
            if (kind === 'late') expect(observe(account, id, line)).toBe(account);
            if (kind === 'credit') account = observe(account, id, { spentMicros: 0, creditMicros: line.spentMicros });
            if (kind === 'settle') {
              const { spentMicros, creditMicros } = line;
              const end = { run, spentMicros, creditMicros, maxMicros: micros };
              const ended = settle(account, id, end);
              expect(settle(ended, id, end)).toBe(ended);
              expect(ended.generations[id]?.open).toBe(line.open && (line.run > run || micros > netMicros(line)));
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

  it('accepts 10 of 100 concurrent reservations that exhaust the limit, and rejects 90', async () => {
    const accounts = store();
    let refused = 0;
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => {
        let accepted = false;
        return changeAccount(accounts, empty, `g${n}`, (account) => {
          const decided = reserve(account, `g${n}`, { micros: 10, limitMicros: 100, run: 1 });
          accepted = decided.accepted;
          return decided.accepted ? decided.account : undefined;
        }).then(() => (refused += accepted ? 0 : 1));
      }),
    );
    expect([refused, committed(accounts.now())]).toEqual([90, 100]);
  });

  it('keeps the reservation of unknown outcomes, and releases it once they are known', () => {
    const reserved = reserve(empty, 'a', { micros: 60, limitMicros: 100, run: 1 });
    if (!reserved.accepted) throw new Error('there was money');
    const unsettled = settle(reserved.account, 'a', { run: 1, spentMicros: 10, maxMicros: 30 });
    expect([committed(unsettled), unsettled.generations['a']?.open]).toEqual([30, true]);
    expect(reserve(unsettled, 'b', { micros: 71, limitMicros: 100, run: 1 })).toEqual({
      accepted: false,
      leftMicros: 70,
    });
    const known = settle(unsettled, 'a', { run: 1, spentMicros: 25, maxMicros: 25 });
    expect([committed(known), known.generations['a']?.open]).toEqual([25, false]);
  });

  it('reserves the full amount again when the open reservation is smaller', () => {
    const line = { reservedMicros: 30, spentMicros: 10, open: true, run: 1 };
    const account = { ...empty, generations: { a: line, b: { ...line, spentMicros: 30, reservedMicros: 50 } } };
    const again = { micros: 60, run: 2 };
    expect(reserve(account, 'a', { ...again, limitMicros: 100 })).toEqual({ accepted: false, leftMicros: 50 });
    const decided = reserve(account, 'a', { ...again, limitMicros: 110 });
    expect(decided.accepted && decided.account.generations['a']).toEqual({ ...line, reservedMicros: 60, run: 2 });
  });

  it.each<[string, Partial<AccountLine>, string | undefined, string | undefined]>([
    ['an earlier run, and takes over the request', { run: 1 }, 'b', 'b'],
    ['a settled run, and takes over the request', { run: 2, open: false }, 'b', 'b'],
    ['another request, and takes over the later request', { run: 2, request: 'a' }, 'b', 'b'],
    ['a retry, and keeps it', { run: 2 }, 'b', undefined],
    ['a request, and is taken over by a retry', { run: 2, request: 'a' }, undefined, undefined],
    ['a retry, and keeps it when more is reserved', { run: 2, reservedMicros: 10 }, 'b', undefined],
  ])('has a reservation of %s', (_what, before, request, after) => {
    const line = { reservedMicros: 60, spentMicros: 10, open: true, run: 2, ...before };
    const account = { ...empty, generations: { a: line } };
    const decided = reserve(account, 'a', { micros: 60, limitMicros: 100, run: 2, request });
    const { request: mark, ...rest } = (decided.accepted && decided.account.generations['a']) || line;
    expect(rest).toEqual({ reservedMicros: 60, spentMicros: 10, open: true, run: 2 });
    expect(mark).toBe(after);
  });

  it.each<[number, number, string[]]>([
    [4, 4, []],
    [5, 4, ['g0', 'g1', 'g2']],
    [1, 0, ['g0']],
    [0, 0, []],
  ])('with %i settled lines and room for %i, moves out %j', (count, kept, expected) => {
    const line = { reservedMicros: 9, spentMicros: 1, open: false, run: 1 };
    const settled = Array.from({ length: count }, (_, n) => [`g${n}`, line] as const).reverse();
    const generations = Object.fromEntries([...settled, ['a', { ...line, open: true }]]);
    expect(surplusOf({ generations }, kept)).toEqual(expected);
  });

  it('moves out at most 64 lines at once, the oldest first', () => {
    const line = { reservedMicros: 9, spentMicros: 1, open: false, run: 1 };
    const ids = Array.from({ length: 9600 }, (_, n) => `g${String(n).padStart(5, '0')}`);
    expect(surplusOf({ generations: Object.fromEntries(ids.map((id) => [id, line])) }, 64)).toEqual(ids.slice(0, 64));
  });

  it('keeps its sums when lines are moved out and in', () => {
    const line = fc.record(
      {
        ...{ reservedMicros: fc.nat(99), spentMicros: fc.integer({ min: 50, max: 99 }), creditMicros: fc.nat(50) },
        ...{ open: fc.boolean(), run: fc.nat(3) },
      },
      { requiredKeys: ['reservedMicros', 'spentMicros', 'open', 'run'] },
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), line), (generations) => {
        const account = { ...empty, generations };
        const ids = surplusOf(account, 0);
        const small = moveOut(account, ids);
        expect(sumsOf(small)).toEqual(sumsOf(account));
        expect(surplusOf(small, 0)).toEqual([]);
        const whole = ids.reduce((before, id) => {
          const { spentMicros = 0, creditMicros, run = 0 } = account.generations[id] ?? {};
          return moveIn(before, id, { spentMicros, creditMicros, run });
        }, small);
        expect(sumsOf(whole)).toEqual(sumsOf(account));
        expect(whole.settledMicros ?? 0).toBe(0);
      }),
    );
  });

  /** Runs `count` generations of one owner, one after another: each reserves, spends and settles. */
  async function month(count: number): Promise<{ bytes: number; writes: number; spentMicros: number }> {
    const accounts = store();
    let bytes = 0;
    for (let n = 0; n < count; n += 1) {
      const id = `gen_${n.toString(16).padStart(32, '0')}`;
      const wanted = { micros: 10, limitMicros: Infinity, run: 1 };
      await changeAccount(accounts, empty, id, (account) => {
        const decided = reserve(account, id, wanted);
        return decided.accepted ? decided.account : undefined;
      });
      await changeAccount(accounts, empty, id, (account) =>
        settle(account, id, { run: 1, spentMicros: 7, maxMicros: 7 }),
      );
      bytes = Math.max(bytes, JSON.stringify(accounts.now()).length);
    }
    return { bytes, writes: accounts.writes(), spentMicros: sumsOf(accounts.now()).spentMicros };
  }

  it('needs constant size and constant work per generation', async () => {
    const [once, twice] = [await month(2000), await month(4000)];
    expect([once.spentMicros, twice.spentMicros]).toEqual([14_000, 28_000]);
    // The spent sum has more digits.
    expect(twice.bytes - once.bytes).toBeLessThanOrEqual(4);
    expect(once.bytes).toBeLessThan(20_000);
    expect(twice.writes).toBeLessThan(2.1 * once.writes);
    expect(twice.writes / 4000).toBeLessThan(3.1);
  });

  it.each([0, 1, 3])('counts a late charge and a retry once, with %i settled lines left in it', async (kept) => {
    const accounts = store(kept);
    const all = Array.from({ length: 10 }, (_, n) => `g${n}`);
    const change = (id: string, how: (account: Account) => Account) => changeAccount(accounts, empty, id, how);
    const reserved = (id: string, run: number) =>
      change(id, (account) => {
        const decided = reserve(account, id, { micros: 10, limitMicros: 1000, run });
        if (!decided.accepted) throw new Error('there was money');
        return decided.account;
      });
    for (const id of all) {
      await reserved(id, 1);
      await change(id, (account) => settle(account, id, { run: 1, spentMicros: 5, maxMicros: 5 }));
    }
    // Late, repeated and outdated sums of lines that were moved out.
    for (const spentMicros of [6, 6, 4]) await change('g0', (account) => observe(account, 'g0', { spentMicros }));
    await reserved('g1', 2);
    expect(sumsOf(accounts.now())).toEqual({ spentMicros: 51, reservedMicros: 5 });
    expect(accounts.now().generations['g1']).toMatchObject({ open: true, run: 2, spentMicros: 5 });
    // A late settlement of the first run cannot release the reservation of the second.
    await change('g1', (account) => settle(account, 'g1', { run: 1, spentMicros: 5, maxMicros: 5 }));
    expect(sumsOf(accounts.now()).reservedMicros).toBe(5);
    await change('g1', (account) => settle(account, 'g1', { run: 2, spentMicros: 9, maxMicros: 9 }));
    expect(sumsOf(accounts.now())).toEqual({ spentMicros: 55, reservedMicros: 0 });
    expect(await lineOf(accounts, empty, 'g0')).toMatchObject({ spentMicros: 6, run: 1, open: false });
    expect(await lineOf(accounts, empty, 'never')).toBeUndefined();
    expect(Object.keys(accounts.now().generations).length).toBeLessThanOrEqual(kept + 1);
  });

  it('ends with the sum of the ledger, however it was observed, settled and moved', async () => {
    /** A charge, and perhaps an adjustment of it, which is in the ledger only after the charge. */
    const paid = fc.record({ micros: fc.nat(100), adjusted: fc.option(fc.integer({ min: -100, max: 100 })) });
    const paidFor = fc.array(paid, { maxLength: 5 });
    const ALL = 2 ** 10 - 1;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), paidFor),
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(ALL), fc.boolean()), { maxLength: 30 }),
        fc.constantFrom(0, 1, 64),
        async (ledgers, reads, kept) => {
          const accounts = store(kept);
          /** The entries that a read sees: two bits for each charge, and the adjustment only with its charge. */
          const seen = (id: string, bits: number) =>
            (ledgers[id] ?? []).flatMap(({ micros, adjusted }, at) =>
              [micros, Math.max(-micros, adjusted ?? 0)]
                .slice(0, (bits >> (2 * at)) % 4 === 3 ? 2 : (bits >> (2 * at)) % 2)
                .map((amountMicros) => ({ amountMicros })),
            );
          for (const id of ['a', 'b', 'c'])
            await changeAccount(accounts, empty, id, (account) => {
              const decided = reserve(account, id, { micros: 1, limitMicros: 10_000, run: 1 });
              return decided.accepted ? decided.account : undefined;
            });
          const last = ['a', 'b', 'c'].map((id) => [id, ALL, true] as const);
          for (const [id, bits, isOver] of [...reads, ...last]) {
            const spent = spendingOf(seen(id, bits));
            await changeAccount(accounts, empty, id, (account) =>
              isOver
                ? settle(account, id, { run: 1, ...spent, maxMicros: netMicros(spent) })
                : observe(account, id, spent),
            );
            expect(sumsOf(accounts.now()).spentMicros).toBeGreaterThanOrEqual(0);
          }
          const all = ['a', 'b', 'c'].reduce((sum, id) => sum + netMicros(spendingOf(seen(id, ALL))), 0);
          expect(sumsOf(accounts.now()).spentMicros).toBe(all);
        },
      ),
    );
  });

  it('keeps its line and its change when a move fails', async () => {
    const accounts = { ...store(0), saveSettled: () => Promise.reject(new Error('the store is unavailable')) };
    await changeAccount(accounts, empty, 'a', (account) => ({
      ...account,
      generations: { a: { reservedMicros: 9, spentMicros: 7, open: false, run: 1 } },
    }));
    expect(accounts.now().generations['a']?.spentMicros).toBe(7);
  });

  it('uses periods in UTC', () => {
    const at = new Date('2026-12-31T23:59:59.999Z');
    expect([periodOf('day', at), periodOf('month', at)]).toEqual(['2026-12-31', '2026-12']);
    expect([periodEnd('2026-12-31'), periodEnd('2026-12')].map((end) => end.toISOString())).toEqual([
      '2027-01-01T00:00:00.000Z',
      '2027-01-01T00:00:00.000Z',
    ]);
  });
});
