import { describe, expect, it } from '@jest/globals';
import { type Account, AlreadyExistsError, ConflictError, type Stores } from '../../src/index.js';
import { idOf } from './stores.contract.js';

const HOSTILE = ['a b', '>', '$ne', 'a.b', '*', '__proto__', '{"$gt":""}'];
const accountOf = (owner: string, period = '2026-01'): Account => ({ owner, period, generations: {} });

/** `open` gives stores over empty storage at each call. */
export function accountStoreContract(name: string, open: () => Promise<Stores>): void {
  describe(`accounts: ${name}`, () => {
    it('keeps owners and periods apart, under any name', async () => {
      const { accounts } = await open();
      for (const owner of HOSTILE) {
        expect(await accounts.get(owner, '2026-01')).toBeUndefined();
        const made = await accounts.create(accountOf(owner));
        await expect(accounts.create(accountOf(owner))).rejects.toBeInstanceOf(AlreadyExistsError);
        await accounts.create(accountOf(owner, '2026-01-02'));
        const found = await accounts.get(owner, '2026-01');
        expect(found).toEqual({ value: accountOf(owner), revision: made.revision });
      }
      expect(await accounts.get(HOSTILE[0] ?? '', '2026-02')).toBeUndefined();
    });

    it('refuses what is no account', async () => {
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

    it('loses no reservation among many at once', async () => {
      const { accounts } = await open();
      await accounts.create(accountOf('a'));
      const reserve = async (n: number): Promise<void> => {
        for (;;) {
          const entry = await accounts.get('a', '2026-01');
          if (entry === undefined) throw new Error('the account is gone');
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
