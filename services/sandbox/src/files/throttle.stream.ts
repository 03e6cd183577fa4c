import { setTimeout as delay } from 'node:timers/promises';

const TICKS_PER_SECOND = 10;
const rest = (ms: number, signal: AbortSignal): Promise<unknown> => delay(ms, undefined, { signal, ref: false });

/** Limits a stream to `bytesPerSecond`, in pieces of a tenth of that. Throws when the signal aborts. */
export async function* throttled(
  source: AsyncIterable<Buffer>,
  bytesPerSecond: number,
  signal: AbortSignal,
  sleep: typeof rest = rest,
): AsyncGenerator<Buffer> {
  const step = Math.max(1, Math.floor(bytesPerSecond / TICKS_PER_SECOND));
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += step) {
      const part = chunk.subarray(at, at + step);
      yield part;
      await sleep((part.length / bytesPerSecond) * 1000, signal);
    }
  }
}
