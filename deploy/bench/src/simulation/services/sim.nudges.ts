import { type Random } from '../random.js';

/** Nudges between processes; some get lost. */
export class SimNudges {
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(private readonly random: Random) {}

  on(key: string, callback: () => void): () => void {
    const own = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, own.add(callback));
    return () => void own.delete(callback);
  }

  notify(key: string): void {
    for (const callback of [...(this.listeners.get(key) ?? [])]) if (!this.random.chance(0.1)) callback();
  }
}
