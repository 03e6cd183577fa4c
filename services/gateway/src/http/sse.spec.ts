import { expect, it } from '@jest/globals';
import { formatEvent } from './sse.js';

it('formats a server-sent event', () => {
  expect(formatEvent(7, { name: 'clip.generated', body: { a: 'b\nc' } })).toBe(
    'id: 7\nevent: clip.generated\ndata: {"a":"b\\nc"}\n\n',
  );
});
