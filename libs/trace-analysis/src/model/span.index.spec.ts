import { describe, expect, it } from '@jest/globals';
import { indexSpans } from './span.index.js';
import { type Span } from '../parse/trace.model.js';

const span = (id: string, startUs: number, endUs: number, more: Partial<Span> = {}): Span => ({
  id,
  parentId: undefined,
  name: id,
  service: 's',
  kind: 'internal',
  startUs,
  endUs,
  attributes: {},
  links: [],
  ...more,
});

describe('whether a parent waits for its child', () => {
  const parent = span('p', 18_000, 1_117_759);
  it.each<[string, Partial<Span>, boolean]>([
    ['inside', { startUs: 20_000, endUs: 21_000 }, true],
    ['ends a little after', { startUs: 20_000, endUs: 1_118_759 }, true],
    // Starts are in whole milliseconds and ends are a start plus an exact duration, so an end may seem up to 1 ms early.
    ['begins a little after', { startUs: 1_118_000, endUs: 1_118_359, kind: 'producer' }, true],
    ['is announced a little after', { startUs: 1_119_000, endUs: 1_119_794, kind: 'producer' }, true],
    ['is announced later', { startUs: 1_120_000, endUs: 1_120_001, kind: 'producer' }, false],
    ['begins more than a clock step after', { startUs: 1_119_000, endUs: 1_119_001 }, false],
    ['ends more than a clock step after', { startUs: 20_000, endUs: 1_118_760 }, false],
    ['comes over the broker', { startUs: 20_000, endUs: 21_000, kind: 'consumer' }, false],
  ])('%s', (_name, more, expected) => {
    const child = span('c', 0, 0, { parentId: 'p', ...more });
    const index = indexSpans({ traceId: 't', spans: [parent, child] });
    expect(index.blocks(child)).toBe(expected);
  });
});
