import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeout } from '@clipmesh/contracts';

/** Pause between two checks of a condition, ms. */
const POLL_INTERVAL_MS = 20;

/** Settles like the promise, or rejects with an error that names `what` after `deadlineMs`. */
export async function within<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  const late = (): Error => new Error(`${what} did not happen within ${deadlineMs} ms`);
  return withTimeout(deadlineMs, () => promise, late);
}

type Found<T> = Exclude<T, undefined | null | false>;
const isIterable = (source: object): source is AsyncIterable<unknown> => Symbol.asyncIterator in source;

/**
 * Waits until a condition returns something other than undefined, null or false, or for the first accepted item of a stream, and
 * returns it. Rejects with an error that names `what` after `deadlineMs`, or when the stream ends first.
 */
export function until<T>(condition: () => T | Promise<T>, deadlineMs: number, what: string): Promise<Found<T>>;
export function until<T>(
  stream: AsyncIterable<T>,
  deadlineMs: number,
  what: string,
  accept?: (item: T) => boolean,
): Promise<T>;
export async function until<T>(
  source: (() => T | Promise<T>) | AsyncIterable<T>,
  deadlineMs: number,
  what: string,
  accept: (item: T) => boolean = () => true,
): Promise<T> {
  return isIterable(source) ? within(firstOf(source, accept, what), deadlineMs, what) : poll(source, deadlineMs, what);
}

async function firstOf<T>(stream: AsyncIterable<T>, accept: (item: T) => boolean, what: string): Promise<T> {
  for await (const item of stream) if (accept(item)) return item;
  throw new Error(`the stream ended before ${what}`);
}

async function poll<T>(condition: () => T | Promise<T>, deadlineMs: number, what: string): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const left = Math.max(1, deadline - performance.now());
    const value = await within(Promise.resolve(condition()), left, what);
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() >= deadline) throw new Error(`${what} did not happen within ${deadlineMs} ms`);
    await sleep(POLL_INTERVAL_MS);
  }
}
