import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readServerEvents, type ServerEvent } from './event.reader.js';

const text =
  'id: 1\nevent: a\ndata: {"x":1}\n\n: keep-alive\n\nid: 2\nevent: b\ndata: two\ndata: lines\n\nid: 3\nevent: cut';

async function readAll(chunks: readonly string[]): Promise<ServerEvent[]> {
  async function* source(): AsyncGenerator<string> {
    await Promise.resolve();
    yield* chunks;
  }
  const events: ServerEvent[] = [];
  for await (const event of readServerEvents(source())) events.push(event);
  return events;
}

describe('server-sent events', () => {
  it('are the same for every chunking of the text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 12 }), async (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(await readAll(chunks)).toEqual([
          { id: '1', name: 'a', data: '{"x":1}' },
          { id: '2', name: 'b', data: 'two\nlines' },
        ]);
      }),
    );
  });
});
