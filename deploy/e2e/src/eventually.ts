import { setTimeout as sleep } from 'node:timers/promises';

/** Polls `look` until it returns a value. Throws an error with `what` after `timeoutMs`. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() >= deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(50);
  }
}
