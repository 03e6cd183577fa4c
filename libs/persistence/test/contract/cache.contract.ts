import { describe, expect, it } from '@jest/globals';
import { AlreadyExistsError, type CacheEntry, ConflictError, type Stores } from '../../src/index.js';

const at = '2026-01-01T00:00:00.000Z';
const keyOf = (n: number): string => n.toString(16).padStart(64, '0');
const entryOf = (n: number, holder = 'h'): CacheEntry => ({
  key: keyOf(n),
  kind: 'llm',
  status: 'filling',
  holder,
  leaseUntil: at,
  createdAt: at,
  usedAt: at,
  model: 'm',
});
/** Field names with a special meaning in a database. */
const answer = JSON.parse('{"$set":{"a.b":[{"$ne":null}]},"%24":1,"":{"\\u0000":[]},"__proto__":{"x":{}}}') as unknown;

/** `open` returns stores with empty storage on each call. */
export function cacheStoreContract(name: string, open: () => Promise<Stores>): void {
  describe(`cache: ${name}`, () => {
    it('has one lease holder among many, and returns any answer unchanged', async () => {
      const { cache } = await open();
      const races = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => cache.create(entryOf(1, `h${n}`))));
      expect(races.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const race of races) if (race.status === 'rejected') expect(race.reason).toBeInstanceOf(AlreadyExistsError);
      const held = await cache.get(keyOf(1));
      if (held === undefined) throw new Error('the entry is missing');
      const ready = await cache.save({ ...held.value, status: 'ready', answer }, held.revision);
      await expect(cache.save(held.value, held.revision)).rejects.toBeInstanceOf(ConflictError);
      const found = await cache.get(keyOf(1));
      expect(found?.revision).toBe(ready.revision);
      expect(JSON.stringify(found?.value.answer)).toBe(JSON.stringify(answer));
    });

    it('returns all entries', async () => {
      const { cache } = await open();
      expect(await cache.all()).toEqual([]);
      const created = await Promise.all(Array.from({ length: 40 }, (_, n) => cache.create(entryOf(n))));
      const all = await cache.all();
      const sorted = (entries: typeof all): typeof all => entries.sort((a, b) => (a.value.key < b.value.key ? -1 : 1));
      expect(sorted(all)).toEqual(sorted(created));
    });

    it('removes only the given revision', async () => {
      const { cache } = await open();
      const first = await cache.create(entryOf(1));
      const second = await cache.save({ ...first.value, status: 'ready' }, first.revision);
      await expect(cache.remove(keyOf(1), first.revision)).rejects.toBeInstanceOf(ConflictError);
      expect((await cache.get(keyOf(1)))?.revision).toBe(second.revision);
      await cache.remove(keyOf(1), second.revision);
      expect(await cache.get(keyOf(1))).toBeUndefined();
      expect(await cache.all()).toEqual([]);
      await cache.remove(keyOf(1), second.revision);
      await cache.remove(keyOf(2), second.revision);
    });

    it('gives a new revision to an entry that was removed and created again', async () => {
      const { cache } = await open();
      const revisions = new Set<string>();
      for (let round = 0; round < 5; round += 1) {
        const races = await Promise.allSettled(
          Array.from({ length: 10 }, (_, n) => cache.create(entryOf(1, `${round}.${n}`))),
        );
        expect(races.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        const made = await cache.get(keyOf(1));
        if (made === undefined) throw new Error('the entry is missing');
        for (const old of revisions) {
          await expect(cache.save(made.value, old)).rejects.toBeInstanceOf(ConflictError);
          await expect(cache.remove(keyOf(1), old)).rejects.toBeInstanceOf(ConflictError);
        }
        revisions.add(made.revision);
        await Promise.all(Array.from({ length: 5 }, () => cache.remove(keyOf(1), made.revision)));
        expect(await cache.get(keyOf(1))).toBeUndefined();
      }
      expect(revisions.size).toBe(5);
    });

    it('saves or removes a revision, never both', async () => {
      const { cache } = await open();
      for (let n = 0; n < 10; n += 1) {
        const made = await cache.create(entryOf(n));
        const [saved, removed] = await Promise.allSettled([
          cache.save({ ...made.value, status: 'ready' }, made.revision),
          cache.remove(keyOf(n), made.revision),
        ]);
        const left = await cache.get(keyOf(n));
        expect({ saved: saved.status, removed: removed.status }).toEqual(
          left === undefined
            ? { saved: 'rejected', removed: 'fulfilled' }
            : { saved: 'fulfilled', removed: 'rejected' },
        );
      }
    });

    it('rejects invalid keys', async () => {
      const { cache } = await open();
      for (const key of ['>', '*', '$ne', '', 'a.b']) {
        expect(await cache.get(key)).toBeUndefined();
        await expect(cache.create({ ...entryOf(1), key })).rejects.toThrow();
      }
    });
  });
}
