import { describe, expect, it } from '@jest/globals';
import { type LimitStore } from '../../src/index.js';

const DEADLINE_MS = 120_000;

/** Collects the reports of a watch. `seen` resolves when one matches. */
function collector(): {
  onChange: (key: string, value: unknown) => void;
  all: [string, unknown][];
  seen: (matches: (key: string, value: unknown) => boolean) => Promise<void>;
} {
  const all: [string, unknown][] = [];
  const waiters = new Set<() => void>();
  return {
    all,
    onChange: (key, value) => {
      all.push([key, value]);
      for (const look of waiters) look();
    },
    seen: (matches) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`not reported: ${JSON.stringify(all)}`));
        }, DEADLINE_MS);
        const look = (): void => {
          if (!all.some(([key, value]) => matches(key, value))) return;
          clearTimeout(timer);
          waiters.delete(look);
          resolve();
        };
        waiters.add(look);
        look();
      }),
  };
}

/** `open` returns a store with empty storage on each call. */
export function limitStoreContract(name: string, open: () => Promise<LimitStore>): void {
  describe(`limits: ${name}`, () => {
    it('accepts one of many writes at the same revision', async () => {
      const store = await open();
      const race = async (revision: string | undefined): Promise<number> =>
        (await Promise.all(Array.from({ length: 20 }, (_, n) => store.save('bucket.create', { n }, revision)))).filter(
          (saved) => saved !== undefined,
        ).length;
      expect(await store.get('bucket.create')).toBeUndefined();
      expect(await race(undefined)).toBe(1);
      const first = await store.get('bucket.create');
      expect(await race(first?.revision)).toBe(1);
      expect(await store.save('bucket.create', {}, first?.revision)).toBeUndefined();
    });

    it('counts exactly under contention', async () => {
      const store = await open();
      const add = async (): Promise<void> => {
        for (;;) {
          const entry = await store.get('bucket.call');
          const count = Number(entry?.value ?? 0);
          if ((await store.save('bucket.call', count + 1, entry?.revision)) !== undefined) return;
        }
      };
      await Promise.all(Array.from({ length: 12 }, add));
      expect((await store.get('bucket.call'))?.value).toBe(12);
    });

    it('reports values and changes below the prefix to a watch until it stops', async () => {
      const store = await open();
      const [watched, stopped] = [collector(), collector()];
      await store.save('signal.breaker.google/veo-3.1', { phase: 'open' }, undefined);
      await store.save('bucket.create', 1, undefined);
      store.watch('signal', stopped.onChange)();
      const stop = store.watch('signal', watched.onChange);
      try {
        await watched.seen((key) => key === 'signal.breaker.google/veo-3.1');
        await store.save('signal.cooldown.provider', { untilMs: 5 }, undefined);
        await watched.seen((_, value) => (value as { untilMs?: number }).untilMs === 5);
        expect(watched.all.map(([key]) => key)).not.toContain('bucket.create');
        expect(stopped.all).toEqual([]);
      } finally {
        stop();
      }
    });
  });
}
