import { describe, expect, it } from '@jest/globals';
import { ConflictError, type Stores } from '../../src/index.js';
import { sampleAttempt } from './samples.js';
import { idOf, recordOf } from './stores.contract.js';

/** `open` gives stores over empty storage at each call. */
export function removalContract(name: string, open: () => Promise<Stores>): void {
  describe(`removal: ${name}`, () => {
    it('removes one generation, wherever it is asked for, and may be repeated', async () => {
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

    it('removes all attempts of one generation and none of another', async () => {
      const { attempts } = await open();
      const keys = ['a', '>', 'x.y', '$'];
      for (const n of [1, 2]) for (const key of keys) await attempts.create({ ...sampleAttempt(idOf(n)), key });
      for (let round = 0; round < 2; round += 1) {
        await attempts.remove(idOf(1));
        expect(await attempts.list(idOf(1))).toEqual([]);
        expect(await attempts.list(idOf(2))).toHaveLength(keys.length);
      }
      for (const id of ['>', '*', '$ne', '']) await attempts.remove(id);
      expect(await attempts.list(idOf(2))).toHaveLength(keys.length);
      const again = await Promise.allSettled(
        Array.from({ length: 10 }, () => attempts.create({ ...sampleAttempt(idOf(1)), key: 'a' })),
      );
      expect(again.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });
}
