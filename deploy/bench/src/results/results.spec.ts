import { describe, expect, it } from '@jest/globals';
import { withTable } from './results.js';

describe('the tables of docs/benchmarks.md', () => {
  it('replace their block of the page, and nothing else', () => {
    const page = 'before\n<!-- x -->\nold\n<!-- /x -->\nafter <!-- y --><!-- /y -->';
    expect(withTable(page, 'x', [{ scenes: 3, 'speed-up': '2.0' }])).toBe(
      'before\n<!-- x -->\n| scenes | speed-up |\n| --- | --- |\n| 3 | 2.0 |\n<!-- /x -->\nafter <!-- y --><!-- /y -->',
    );
    expect(() => withTable(page, 'z', [])).toThrow('add <!-- z -->');
  });
});
