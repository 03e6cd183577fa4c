import { describe, expect, it } from '@jest/globals';
import { FfmpegRunner } from './ffmpeg.runner.js';

const never = new AbortController().signal;
/** Test timeout, ms. */
const DEADLINE_MS = 120_000;

describe('the run signal of a process', () => {
  it(
    'is created when the process gets a slot, and kills only that process',
    async () => {
      const runner = new FfmpegRunner({
        ...{ ffmpegPath: '/bin/sh', ffprobePath: '/bin/sh' },
        ...{ idleTimeoutMs: DEADLINE_MS, maxProcesses: 1 },
      });
      const log: string[] = [];
      let begun: (end: AbortController) => void = () => undefined;
      const turn = new Promise<AbortController>((resolve) => (begun = resolve));
      const query = (name: string, begin: (end: AbortController) => void): Promise<string> =>
        runner.query('ffprobe', ['-c', 'exec sleep 600'], name, {
          signal: never,
          runSignal: () => {
            log.push(name);
            const end = new AbortController();
            begin(end);
            return end.signal;
          },
        });
      const first = query('first', begun);
      const second = query('second', (end) => {
        end.abort();
      });
      const refused = [first, second].map((done) => expect(done).rejects.toMatchObject({ code: 'CANCELED' }));
      const end = await turn;
      expect(log).toEqual(['first']);
      end.abort();
      await Promise.all(refused);
      expect([log, runner.running()]).toEqual([['first', 'second'], 0]);
    },
    DEADLINE_MS,
  );
});
