import { describe, expect, it } from '@jest/globals';
import { printable } from './terminal.js';

describe('printable', () => {
  it.each([
    ['plain, with lines\nand\ttabs, é, 漢 and 🎬', 'plain, with lines\nand\ttabs, é, 漢 and 🎬'],
    ['\u001b[31mred\u001b[0m', '\ufffd[31mred\ufffd[0m'],
    ['\u001b]0;title\u0007', '\ufffd]0;title\ufffd'],
    ['\u009b2J and \u007f and \r', '\ufffd2J and \ufffd and \ufffd'],
    ['\u202egnp.exe\u202c \u2066x\u2069', '\ufffdgnp.exe\ufffd \ufffdx\ufffd'],
  ])('%j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});
