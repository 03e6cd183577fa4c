import { type LimitStore } from '../ports/limit.port.js';

/** A limit store in memory with the same contract as the real one, for simulations and tests. */
export function createMemoryLimitStore(): LimitStore {
  const rows = new Map<string, { json: string; revision: number }>();
  const listeners = new Set<(key: string) => void>();
  let revision = 0;
  const valueOf = (key: string): unknown => JSON.parse(rows.get(key)?.json ?? 'null') as unknown;
  return {
    get: (key) => {
      const row = rows.get(key);
      return Promise.resolve(row && { value: valueOf(key), revision: String(row.revision) });
    },
    save: (key, value, expected) => {
      const row = rows.get(key);
      if ((row === undefined ? undefined : String(row.revision)) !== expected) return Promise.resolve(undefined);
      revision += 1;
      rows.set(key, { json: JSON.stringify(value), revision });
      for (const notify of listeners) notify(key);
      return Promise.resolve({ value: valueOf(key), revision: String(revision) });
    },
    watch: (prefix, onChange) => {
      const notify = (key: string): void => {
        // Asynchronous, as from a broker.
        if (!key.startsWith(`${prefix}.`)) return;
        queueMicrotask(() => {
          if (listeners.has(notify)) onChange(key, valueOf(key));
        });
      };
      listeners.add(notify);
      for (const key of rows.keys()) notify(key);
      return () => {
        listeners.delete(notify);
      };
    },
  };
}
