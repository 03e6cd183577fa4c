import { describe, expect, it } from '@jest/globals';
import { ClipmeshError } from '../failure/failure.js';
import { failureKind } from '../failure/failure.kind.js';
import { type ConflictRetry, ContentionError, retryOnConflict } from './conflict.retry.js';
import { AlreadyExistsError, ConflictError } from './versioned.record.js';

const conflict = new ConflictError('past revision 1');
const exists = new AlreadyExistsError('exists already');
const broken = new Error('the disk is broken');
const unavailable = new ClipmeshError('STORE_UNAVAILABLE', 'no answer');

/** Runs a change that fails with these errors, one each time, and then succeeds. */
async function run(errors: readonly Error[], options?: ConflictRetry) {
  let tries = 0;
  const change = (): Promise<string> => {
    tries += 1;
    const error = errors[tries - 1];
    return error === undefined ? Promise.resolve('changed') : Promise.reject(error);
  };
  const result: unknown = await retryOnConflict('record r', change, options).catch((error: unknown) => error);
  return { result, tries };
}

describe('a change by compare-and-set', () => {
  it.each<[string, readonly Error[], ConflictRetry | undefined, unknown, number]>([
    ['without a conflict', [], undefined, 'changed', 1],
    ['after a conflict', [conflict], undefined, 'changed', 2],
    ['after another create', [exists], undefined, 'changed', 2],
    ['after 19 conflicts', Array.from({ length: 19 }, () => conflict), undefined, 'changed', 20],
    ['after conflicts with pauses', [conflict, exists, conflict], { maxPauseMs: 2 }, 'changed', 4],
    ['after fewer conflicts than its limit', [conflict, conflict], { maxConflicts: 3 }, 'changed', 3],
    ['with another error', [broken], undefined, broken, 1],
    ['with another error after a conflict', [conflict, unavailable], undefined, unavailable, 2],
  ])('%s, ends with the result or the error', async (_when, errors, options, result, tries) => {
    expect(await run(errors, options)).toEqual({ result, tries });
  });

  it.each<[string, ConflictRetry | undefined, number]>([
    ['the default', undefined, 20],
    ['its own limit', { maxConflicts: 3 }, 3],
    ['its own limit with pauses', { maxConflicts: 2, maxPauseMs: 1 }, 2],
  ])('is given up at %s of conflicts, with an error that names the record', async (_which, options, limit) => {
    const { result, tries } = await run(
      Array.from({ length: 100 }, () => conflict),
      options,
    );
    expect(tries).toBe(limit);
    expect(result).toBeInstanceOf(ContentionError);
    expect(result).toMatchObject({ message: `record r had ${limit} write conflicts in a row`, cause: conflict });
    expect(failureKind(result)).toEqual({ code: 'STORE_UNAVAILABLE', retryable: true });
  });

  it('loses no change of 300 concurrent callers', async () => {
    let stored = { value: 0, revision: 1 };
    const add = async (): Promise<void> => {
      const { value, revision } = stored;
      await Promise.resolve();
      if (stored.revision !== revision) throw conflict;
      stored = { value: value + 1, revision: revision + 1 };
    };
    const options = { maxConflicts: 100, maxPauseMs: 500 };
    await Promise.all(Array.from({ length: 300 }, () => retryOnConflict('the sum', add, options)));
    expect(stored.value).toBe(300);
  });
});
