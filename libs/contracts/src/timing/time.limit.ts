/**
 * The result of `work`. Rejects when it takes longer than `ms`; the work itself is not stopped. `late` creates that error.
 * Default: an `Error` with the time.
 */
export async function withTimeout<T>(
  ms: number,
  work: () => Promise<T>,
  late: () => Error = () => new Error(`no answer within ${ms} ms`),
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(late());
    }, ms);
  });
  try {
    return await Promise.race([work(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
