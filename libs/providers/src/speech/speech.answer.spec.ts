import { describe, expect, it } from '@jest/globals';
import { audioTypeOf } from './speech.answer.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('the type of an audio file', () => {
  it.each([
    ['RIFF\xff\xff\xff\xffWAVEfmt ', 'audio/wav'],
    ['RIFF\n\n\n\nWAVEfmt ', 'audio/wav'],
    ['OggS\0\x02', 'audio/ogg'],
    ['fLaC\0', 'audio/flac'],
    ['ID3\x04', 'audio/mpeg'],
    ['\xff\xfb\x90', 'audio/mpeg'],
    ['\xff\xf3\x84', 'audio/mpeg'],
    ['\xff\xf1\x50', 'audio/aac'],
    ['\0\0\0\x20ftypM4A ', 'audio/mp4'],
    ['RIFF....AVI ', undefined],
    ['<!doctype html>', undefined],
    ['{"error": 1}', undefined],
    ['\xff\xff', undefined],
    ['', undefined],
  ])('%j is %s', (head, type) => {
    expect(audioTypeOf(bytes(head))).toBe(type);
  });
});
