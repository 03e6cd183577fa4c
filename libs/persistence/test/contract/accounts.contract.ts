import { changeAccount, lineOf, sumsOf } from '@clipmesh/billing';
import { describe, expect, it } from '@jest/globals';
import { type Account, AlreadyExistsError, ConflictError, type Stores } from '../../src/index.js';
import { idOf } from './stores.contract.js';

const HOSTILE = ['a b', '>', '$ne', 'a.b', '*', '__proto__', '{"$gt":""}'];
const accountOf = (owner: string, period = '2026-01'): Account => ({ owner, period, generations: {} });

/** `open` returns stores with empty storage on each call. */
export function accountStoreContract(name: string, open: () => Promise<Stores>): void {
  describe(`accounts: ${name}`, () => {
    it('separates owners and periods with any names', async () => {
      const { accounts } = await open();
      for (const owner of HOSTILE) {
        expect(await accounts.get(owner, '2026-01')).toBeUndefined();
        const created = await accounts.create(accountOf(owner));
        await expect(accounts.create(accountOf(owner))).rejects.toBeInstanceOf(AlreadyExistsError);
        await accounts.create(accountOf(owner, '2026-01-02'));
        const found = await accounts.get(owner, '2026-01');
        expect(found).toEqual({ value: accountOf(owner), revision: created.revision });
      }
      expect(await accounts.get(HOSTILE[0] ?? '', '2026-02')).toBeUndefined();
    });

    it('rejects an invalid account', async () => {
      const { accounts } = await open();
      await expect(accounts.create({ ...accountOf('a'), period: '*' })).rejects.toThrow();
      expect(await accounts.get('a', '*')).toBeUndefined();
      const { revision } = await accounts.create(accountOf('a'));
      const broken = { reservedMicros: 0.5, spentMicros: 0, open: true, run: 1 };
      await expect(
        accounts.save({ ...accountOf('a'), generations: { [idOf(1)]: broken } }, revision),
      ).rejects.toThrow();
      expect((await accounts.get('a', '2026-01'))?.value.generations).toEqual({});
    });

    it('keeps the maximum of settled lines in any order, by owner, period and id', async () => {
      const { accounts } = await open();
      for (const owner of HOSTILE) {
        const line = { owner, period: '2026-01', generationId: idOf(1), spentMicros: 5, run: 1 };
        expect(await accounts.settled(owner, '2026-01', idOf(1))).toBeUndefined();
        await accounts.saveSettled(line);
        expect(await accounts.settled(owner, '2026-01', idOf(1))).toEqual(line);
        await accounts.saveSettled({ ...line, spentMicros: 4, run: 2 });
        expect(await accounts.settled(owner, '2026-01', idOf(1))).toEqual({ ...line, run: 2 });
        await accounts.saveSettled({ ...line, creditMicros: 3 });
        await accounts.saveSettled({ ...line, creditMicros: 2, run: 2 });
        expect(await accounts.settled(owner, '2026-01', idOf(1))).toEqual({ ...line, run: 2, creditMicros: 3 });
        expect(await accounts.settled(owner, '2026-01', idOf(2))).toBeUndefined();
        expect(await accounts.settled(owner, '2026-01-01', idOf(1))).toBeUndefined();
        // Settled lines do not create an account.
        expect(await accounts.get(owner, '2026-01')).toBeUndefined();
      }
      const line = { owner: 'a', period: '2026-01', generationId: idOf(3), run: 1 };
      await Promise.all(Array.from({ length: 12 }, (_, n) => accounts.saveSettled({ ...line, spentMicros: n })));
      expect(await accounts.settled('a', '2026-01', idOf(3))).toEqual({ ...line, spentMicros: 11 });
      const broken = { ...line, generationId: idOf(4), spentMicros: -1 };
      await expect(accounts.saveSettled(broken)).rejects.toThrow();
    });

    it('keeps an account small and its sums correct with `changeAccount`', async () => {
      const { accounts } = await open();
      const empty = accountOf('a');
      const lines = Array.from({ length: accounts.settledLines + 20 }, (_, n) => idOf(n));
      const line = { reservedMicros: 9, spentMicros: 7, open: false, run: 1 };
      // As an earlier version stored it: every line in one document.
      await accounts.create({ ...empty, generations: Object.fromEntries(lines.map((id) => [id, line])) });
      for (let n = 0; n < 2; n += 1)
        await changeAccount(accounts, empty, idOf(1000 + n), (account) => ({
          ...account,
          generations: { ...account.generations, [idOf(1000 + n)]: { ...line, open: true } },
        }));
      const small = (await accounts.get('a', '2026-01'))?.value ?? empty;
      expect(Object.keys(small.generations).length).toBeLessThanOrEqual(accounts.settledLines + 2);
      expect(sumsOf(small)).toEqual({ spentMicros: 7 * (lines.length + 2), reservedMicros: 4 });
      expect(await lineOf(accounts, empty, idOf(0))).toMatchObject({ spentMicros: 7, run: 1, open: false });
    });

    it('loses no reservation under concurrency', async () => {
      const { accounts } = await open();
      await accounts.create(accountOf('a'));
      const reserve = async (n: number): Promise<void> => {
        for (;;) {
          const entry = await accounts.get('a', '2026-01');
          if (entry === undefined) throw new Error('the account is missing');
          const row = { reservedMicros: n, spentMicros: 0, open: true, run: 1 };
          try {
            await accounts.save(
              { ...entry.value, generations: { ...entry.value.generations, [idOf(n)]: row } },
              entry.revision,
            );
            return;
          } catch (error) {
            if (!(error instanceof ConflictError)) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: 15 }, (_, n) => reserve(n)));
      const kept = Object.values((await accounts.get('a', '2026-01'))?.value.generations ?? {});
      expect(kept.map(({ reservedMicros }) => reservedMicros).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 15 }, (_, n) => n),
      );
    });
  });
}
