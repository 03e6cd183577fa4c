import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { sideBySide } from './side.by.side.js';

const never = new AbortController().signal;

describe('tasks side by side', () => {
  it('give their results in the order of the tasks', async () => {
    const last = new AbortController();
    const both = sideBySide(never, [
      async () => {
        await once(last.signal, 'abort');
        return 'slow';
      },
      () => {
        last.abort();
        return Promise.resolve(2);
      },
    ]);
    expect(await both).toEqual(['slow', 2]);
    expect(await sideBySide(never, [])).toEqual([]);
  });

  it('fail with the first failure, when the others have been aborted and have ended', async () => {
    const ended: string[] = [];
    const failed = sideBySide(never, [
      async (signal) => {
        await once(signal, 'abort');
        await Promise.resolve();
        ended.push('aborted');
        throw new Error('aborted');
      },
      () => Promise.reject(new Error('first')),
      () => Promise.resolve(ended.push('done')),
    ]);
    await expect(failed).rejects.toThrow('first');
    expect(ended).toEqual(['done', 'aborted']);
  });

  it('are aborted by the signal of the caller', async () => {
    const caller = new AbortController();
    const failed = sideBySide(caller.signal, [
      async (signal) => {
        await once(signal, 'abort');
        signal.throwIfAborted();
      },
    ]);
    caller.abort(new Error('canceled'));
    await expect(failed).rejects.toThrow('canceled');
  });
});
