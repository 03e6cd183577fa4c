import { AlreadyExistsError, ConflictError, type SettledLine, type Versioned } from './ports.js';

/** Where settled lines are kept, one by one. */
export interface SettledRecords {
  get(): Promise<Versioned<SettledLine> | undefined>;
  create(line: SettledLine): Promise<unknown>;
  save(line: SettledLine, revision: string): Promise<unknown>;
}

/** Amounts and runs only grow, so the larger one is the later one, in whatever order they come. */
export async function saveLarger(records: SettledRecords, line: SettledLine): Promise<void> {
  for (;;) {
    const found = await records.get();
    try {
      if (found === undefined) {
        await records.create(line);
        return;
      }
      const { spentMicros, run } = found.value;
      if (spentMicros >= line.spentMicros && run >= line.run) return;
      const larger = { spentMicros: Math.max(spentMicros, line.spentMicros), run: Math.max(run, line.run) };
      await records.save({ ...line, ...larger }, found.revision);
      return;
    } catch (error) {
      // Another was faster. Each turn one of them is through, so this ends.
      if (!(error instanceof AlreadyExistsError || error instanceof ConflictError)) throw error;
    }
  }
}
