import { Session } from 'node:inspector/promises';

/**
 * Measures work as executed blocks of code, so that a test can compare the work for 2n and n independent of the machine's speed.
 * Counts JavaScript only, not the work inside built-in functions.
 *
 * Import the code under test after `start`: V8 counts only code that it compiles after that.
 */
export class WorkCounter {
  private constructor(
    private readonly session: Session,
    private readonly files: RegExp,
  ) {}

  /** Starts counting in the files whose URL matches `files`. */
  static async start(files: RegExp): Promise<WorkCounter> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return new WorkCounter(session, files);
  }

  /** Resolves with the number of blocks that ran during `work`. Rethrows its error. Throws when nothing was counted. */
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
