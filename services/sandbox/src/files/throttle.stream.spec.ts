import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { throttled } from './throttle.stream.js';

it.each([
  ['a file of some chunks', [Buffer.alloc(65_536, 1), Buffer.alloc(4464, 2)], 20_000, 2000],
  ['a small chunk', [Buffer.alloc(10, 1)], 20_000, 2000],
  ['a rate below one byte per tick', [Buffer.alloc(12, 1)], 5, 1],
  ['no data', [], 20_000, 2000],
])('sends %s in small pieces at the given rate', async (_name, chunks, rate, largest) => {
  const { signal } = new AbortController();
  let sleptMs = 0;
  const pieces: Buffer[] = [];
  const sleep = (ms: number): Promise<void> => Promise.resolve(void (sleptMs += ms));
  for await (const piece of throttled(Readable.from(chunks), rate, signal, sleep)) pieces.push(piece);
  const all = Buffer.concat(chunks);
  expect(Buffer.concat(pieces)).toEqual(all);
  expect(Math.max(0, ...pieces.map(({ length }) => length))).toBeLessThanOrEqual(largest);
  expect(sleptMs).toBeCloseTo((all.length / rate) * 1000, 6);
});

it('stops when its signal aborts', async () => {
  const caller = new AbortController();
  const pieces = throttled(Readable.from([Buffer.alloc(5000)]), 20_000, caller.signal);
  await pieces.next();
  caller.abort(new Error('the client disconnected'));
  await expect(pieces.next()).rejects.toThrow();
});
