import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type LedgerEntry, type Stores } from '../../src/index.js';
import { sumUsage } from '../../src/records/usage.sums.js';
import { entryOf, idOf } from './stores.contract.js';

const entries = fc.array(
  fc.record({
    owner: fc.constantFrom('a', 'b', '$ne', 'a b'),
    at: fc.constantFrom(
      '2026-01-01T00:00:00.000Z',
      '2026-01-01T23:59:59.999Z',
      '2026-01-02T12:00:00Z',
      '2025-12-31T23:59:59.999Z',
      '2026-01-03T00:00:00.000Z',
    ),
    model: fc.constantFrom('m', 'google/veo-3.1', 'x.y', ''),
    stage: fc.constantFrom('clip' as const, 'llm' as const),
    unit: fc.constantFrom('second' as const, 'token' as const),
    quantity: fc.constantFrom(0, 0.1, 0.2, 3, 5.041667),
    amountMicros: fc.constantFrom(0, 1, 360_000, 999_999),
    adjusted: fc.constantFrom(0, -1, 60_000),
  }),
  { maxLength: 25 },
);

/** `open` returns stores with empty storage on each call. */
export function usageContract(name: string, open: () => Promise<Stores>): void {
  describe(`usage: ${name}`, () => {
    it('sums the charges of an owner exactly, in any order of entries', async () => {
      await fc.assert(
        fc.asyncProperty(entries, async (drawn) => {
          const { ledger } = await open();
          const added: LedgerEntry[] = drawn.flatMap(({ adjusted, ...entry }, n) => {
            const charge = { ...entryOf(`k${n}`), ...entry };
            const difference = { key: `adjustment:k${n}`, kind: 'adjustment' as const, adjusts: `k${n}` };
            const less = { quantity: -charge.quantity / 2, amountMicros: Math.max(-charge.amountMicros, adjusted) };
            return adjusted === 0 ? [charge] : [charge, { ...charge, ...difference, ...less }];
          });
          await Promise.all(added.map((entry) => ledger.append(entry)));
          for (const owner of ['a', '$ne', 'nobody'])
            for (const [from, to] of [
              ['2026-01-01', '2026-01-02'],
              ['2026-01-01', '2026-01-01'],
              ['2026-01-02', '2026-01-01'],
            ] as const)
              expect(await ledger.usage(owner, from, to)).toEqual(sumUsage(added, owner, from, to));
        }),
        { numRuns: 8 },
      );
    });

    it('counts repeated entries once', async () => {
      const { ledger } = await open();
      await Promise.all(Array.from({ length: 100 }, (_, n) => ledger.append(entryOf(`k${n % 10}`))));
      expect(await ledger.usage('local', '2026-01-01', '2026-01-01')).toEqual([
        { day: '2026-01-01', stage: 'clip', model: 'm', unit: 'second', count: 10, quantity: 10, amountMicros: 50 },
      ]);
    });

    it('adds an adjustment to the amounts, and does not count it', async () => {
      const { ledger } = await open();
      await ledger.append(entryOf('k'));
      const adjustment = { ...entryOf('adjustment:k'), kind: 'adjustment' as const, adjusts: 'k' };
      await ledger.append({ ...adjustment, quantity: -0.25, amountMicros: -2 });
      expect(await ledger.usage('local', '2026-01-01', '2026-01-01')).toEqual([
        { day: '2026-01-01', stage: 'clip', model: 'm', unit: 'second', count: 1, quantity: 0.75, amountMicros: 3 },
      ]);
      await expect(ledger.append({ ...entryOf('negative'), amountMicros: -1 })).rejects.toThrow();
    });

    it('lists the entries of one provider, of all owners, by time', async () => {
      const { ledger } = await open();
      const own = { provider: 'own.$gpu' };
      await ledger.append({ ...entryOf('k1'), ...own, at: '2026-01-02T00:00:00.000Z' });
      await ledger.append(entryOf('k2'));
      await ledger.append({ ...entryOf('k3'), ...own, owner: 'other', at: '2026-01-01T00:00:00.000Z' });
      await ledger.append({ ...entryOf('k0'), ...own, at: '2026-01-02T00:00:00.000Z' });
      expect((await ledger.ofProvider(own.provider)).map(({ key }) => key)).toEqual(['k3', 'k0', 'k1']);
      expect(await ledger.ofProvider('nobody')).toEqual([]);
    });

    it('is kept when the generation is removed', async () => {
      const { ledger, generations } = await open();
      await ledger.append(entryOf('k'));
      await generations.remove(idOf(1));
      expect(await ledger.usage('local', '2026-01-01', '2026-01-01')).toHaveLength(1);
      expect(await ledger.entries(idOf(1))).toHaveLength(1);
    });
  });
}
