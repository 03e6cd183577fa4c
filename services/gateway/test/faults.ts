export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** Counts effects and fails effect number `at`: before it happens, or after it by losing its response. 0 fails none. */
export class Faults {
  private effect = 0;
  constructor(
    private readonly at: number,
    private readonly when: 'before' | 'after',
  ) {}

  wrap<A extends unknown[], R>(call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      this.effect += 1;
      const fails = this.effect === this.at;
      if (fails && this.when === 'before') throw new TimeoutError('not done');
      const answer = await call(...args);
      if (fails) throw new TimeoutError('done, but the response is lost');
      return answer;
    };
  }

  get effects(): number {
    return this.effect;
  }
}
