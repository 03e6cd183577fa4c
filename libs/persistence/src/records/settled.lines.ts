import { retryOnConflict } from '@clipmesh/contracts';
import { type Versioned } from '../ports/versioned.port.js';
import { type SettledLine } from '../ports/account.port.js';

/** Access to the stored record of one settled line. */
export interface SettledRecords {
  get(): Promise<Versioned<SettledLine> | undefined>;
  create(line: SettledLine): Promise<unknown>;
  save(line: SettledLine, revision: string): Promise<unknown>;
}

/** Stores the field-wise maximum. Amounts and runs only grow, so the maximum is the latest value in any order of calls. */
export async function saveLarger(records: SettledRecords, line: SettledLine): Promise<void> {
  await retryOnConflict(`the settled line of ${line.generationId}`, async () => {
    const found = await records.get();
    if (found === undefined) return records.create(line);
    const { spentMicros, creditMicros = 0, run } = found.value;
    const credit = Math.max(creditMicros, line.creditMicros ?? 0);
    if (spentMicros >= line.spentMicros && creditMicros >= credit && run >= line.run) return;
    const larger = {
      spentMicros: Math.max(spentMicros, line.spentMicros),
      run: Math.max(run, line.run),
      ...(credit === 0 ? {} : { creditMicros: credit }),
    };
    return records.save({ ...line, ...larger }, found.revision);
  });
}
