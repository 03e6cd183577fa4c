import { describe, expect, it } from '@jest/globals';
import { parseUp } from '../arguments/up.arguments.js';
import { startStack } from './stack.js';

describe('a stack', () => {
  it('says in one sentence that its folder cannot be created', async () => {
    const { stop, kill } = { stop: new AbortController(), kill: new AbortController() };
    const { port, dataDir, scale } = parseUp(['--data', `${process.execPath}/stack`], {
      port: 1,
      dataDir: '',
      cwd: '/',
    });
    const started = startStack({
      port,
      dataDir,
      scale,
      env: {},
      drainMs: 0,
      orphanStopMs: 0,
      stop: stop.signal,
      kill: kill.signal,
      report: () => undefined,
    });
    await expect(started).rejects.toThrow(
      `the folder ${process.execPath}/stack cannot be created (ENOTDIR); choose another with --data`,
    );
  });
});
