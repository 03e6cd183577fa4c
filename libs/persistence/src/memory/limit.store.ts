import { type LimitStore } from '../limits.port.js';

/** A limit store in this process's memory, for simulations and tests. It keeps the same contract as the real one. */
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
      for (const tell of listeners) tell(key);
      return Promise.resolve({ value: valueOf(key), revision: String(revision) });
    },
    watch: (prefix, onChange) => {
      const tell = (key: string): void => {
        // Later, as from a broker: never from within the save.
        if (!key.startsWith(`${prefix}.`)) return;
        queueMicrotask(() => {
          if (listeners.has(tell)) onChange(key, valueOf(key));
        });
      };
      listeners.add(tell);
      for (const key of rows.keys()) tell(key);
      return () => {
        listeners.delete(tell);
      };
    },
  };
}
