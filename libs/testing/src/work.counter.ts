import { Session } from 'node:inspector/promises';

/**
 * Counts work as executed blocks of code, so that a test can compare the work for 2n with the work for n on a machine of
 * any speed. Only JavaScript counts, not what a built-in function does inside.
 *
 * Import the code under test after `start`: V8 counts the blocks of what it compiles from then on.
 */
export class WorkCounter {
  private constructor(
    private readonly session: Session,
    private readonly files: RegExp,
  ) {}

  /** Counts in the files whose URL matches `files`. */
  static async start(files: RegExp): Promise<WorkCounter> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return new WorkCounter(session, files);
  }

  /** How many blocks ran during `work`. Throws what `work` throws, and when nothing was counted. */
  async during(work: () => unknown): Promise<number> {
    await this.session.post('Profiler.takePreciseCoverage');
    await work();
    const { result } = await this.session.post('Profiler.takePreciseCoverage');
    const blocks = result
      .filter(({ url }) => this.files.test(url))
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
      .reduce((sum, { count }) => sum + count, 0);
    if (blocks === 0) throw new Error(`no code of ${String(this.files)} ran; import it after the counter has started`);
    return blocks;
  }

  async stop(): Promise<void> {
    await this.session.post('Profiler.stopPreciseCoverage');
    this.session.disconnect();
  }
}
