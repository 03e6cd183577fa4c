import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again until `look` gives something; throws with `what` when it has not after `timeoutMs`. */
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
