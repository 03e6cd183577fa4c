import { type SharedState } from '../src/index.js';

/** A shared state in memory. Every call fails while `away` is true. */
export function sharedMemory(): SharedState & { away: boolean } {
  const rows = new Map<string, { json: string; revision: number }>();
  const listeners = new Set<(key: string) => void>();
  let revision = 0;
  const state = {
    away: false,
    get: async (key: string) => {
      await Promise.resolve();
      if (state.away) throw new Error('away');
      const row = rows.get(key);
      return row && { value: JSON.parse(row.json) as unknown, revision: String(row.revision) };
    },
    save: async (key: string, value: unknown, expected: string | undefined) => {
      await Promise.resolve();
      if (state.away) throw new Error('away');
      const row = rows.get(key);
      if ((row && String(row.revision)) !== expected) return undefined;
      revision += 1;
      rows.set(key, { json: JSON.stringify(value), revision });
      for (const notify of listeners) notify(key);
      return { value, revision: String(revision) };
    },
    watch: (prefix: string, onChange: (key: string, value: unknown) => void) => {
      const notify = (key: string): void => {
        if (key.startsWith(`${prefix}.`)) onChange(key, JSON.parse(rows.get(key)?.json ?? 'null'));
      };
      listeners.add(notify);
      return () => {
        listeners.delete(notify);
      };
    },
  };
  return state;
}
