import { describe, expect, it } from '@jest/globals';
import { ConflictError, type Stores } from '../../src/index.js';
import { samplePurchase } from './samples.js';
import { idOf, recordOf } from './stores.contract.js';

/** `open` returns stores with empty storage on each call. */
export function removalContract(name: string, open: () => Promise<Stores>): void {
  describe(`removal: ${name}`, () => {
    it('removes one generation from all queries, idempotently', async () => {
      const { generations } = await open();
      const [first] = await Promise.all([1, 2].map((n) => generations.create(recordOf(n))));
      for (let round = 0; round < 2; round += 1) {
        await generations.remove(idOf(1));
        expect(await generations.get(idOf(1))).toBeUndefined();
        expect((await generations.list({ limit: 5 })).map(({ id }) => id)).toEqual([idOf(2)]);
        expect((await generations.unfinished()).map(({ id }) => id)).toEqual([idOf(2)]);
      }
      for (const id of ['>', '*', '$ne', '']) await generations.remove(id);
      expect(await generations.get(idOf(2))).toBeDefined();
      await expect(generations.save(recordOf(1), first?.revision ?? '')).rejects.toBeInstanceOf(ConflictError);
      const again = await generations.create(recordOf(1));
      expect(again.revision).not.toBe(first?.revision);
      await expect(generations.save(recordOf(1), first?.revision ?? '')).rejects.toBeInstanceOf(ConflictError);
      await generations.save(recordOf(1), again.revision);
    });

    it('removes all purchases of one generation and none of another', async () => {
      const { purchases } = await open();
      const keys = ['a', '>', 'x.y', '$'];
      for (const n of [1, 2]) for (const key of keys) await purchases.create({ ...samplePurchase(idOf(n)), key });
      for (let round = 0; round < 2; round += 1) {
        await purchases.remove(idOf(1));
        expect(await purchases.list(idOf(1))).toEqual([]);
        expect(await purchases.list(idOf(2))).toHaveLength(keys.length);
      }
      for (const id of ['>', '*', '$ne', '']) await purchases.remove(id);
      expect(await purchases.list(idOf(2))).toHaveLength(keys.length);
      const again = await Promise.allSettled(
        Array.from({ length: 10 }, () => purchases.create({ ...samplePurchase(idOf(1)), key: 'a' })),
      );
      expect(again.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('releases a claim only for its generation, then the next claim wins once', async () => {
      const { idempotency } = await open();
      expect(await idempotency.peek('k')).toBeUndefined();
      await idempotency.claim('k', 'f', idOf(1));
      await idempotency.claim('other', 'f', idOf(1));
      // `peek` creates no claim.
      expect(await idempotency.peek('k')).toMatchObject({ fingerprint: 'f', generationId: idOf(1) });
      expect(await idempotency.peek('none')).toBeUndefined();
      expect(await idempotency.peek('none')).toBeUndefined();
      for (const [key, id] of [
        ['k', idOf(2)],
        ['none', idOf(1)],
      ] as const)
        await idempotency.release(key, id);
      expect(await idempotency.claim('k', 'f', idOf(3))).toEqual({
        fingerprint: 'f',
        generationId: idOf(1),
        fresh: false,
      });
      await Promise.all(Array.from({ length: 5 }, () => idempotency.release('k', idOf(1))));
      const claims = await Promise.all([4, 5, 6].map((n) => idempotency.claim('k', 'g', idOf(n))));
      expect(claims.filter(({ fresh }) => fresh)).toHaveLength(1);
      expect(new Set(claims.map(({ generationId }) => generationId)).size).toBe(1);
      await idempotency.release('k', idOf(1));
      expect((await idempotency.claim('k', 'g', idOf(7))).fresh).toBe(false);
      expect((await idempotency.claim('other', 'f', idOf(8))).generationId).toBe(idOf(1));
    });
  });
}
