import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dataUrlHead, dataUrlPattern, decodeDataUrl } from './data.url.js';

describe('the head of a data URL', () => {
  it.each<[string, { mediaType: string; base64: boolean; parameters?: Record<string, string> } | undefined]>([
    ['data:audio/mpeg;base64,AAAA', { mediaType: 'audio/mpeg', base64: true }],
    ['DATA:Audio/MPEG;BASE64,AAAA', { mediaType: 'audio/mpeg', base64: true }],
    [
      'data:video/mp4;codecs=avc1;base64,AAAA',
      { mediaType: 'video/mp4', base64: true, parameters: { codecs: 'avc1' } },
    ],
    [
      'data:audio/mp4;codecs="mp4a.40.2";base64,AAAA',
      { mediaType: 'audio/mp4', base64: true, parameters: { codecs: 'mp4a.40.2' } },
    ],
    [
      'data:video/mp4; codecs="avc1.42E01E, mp4a.40.2" ; name=a=b;base64,AAAA',
      { mediaType: 'video/mp4', base64: true, parameters: { codecs: 'avc1.42E01E, mp4a.40.2', name: 'a=b' } },
    ],
    ['data:application/vnd.ms-excel;base64,', { mediaType: 'application/vnd.ms-excel', base64: true }],
    ['data:,plain', { mediaType: 'text/plain', base64: false }],
    ['data:;base64,AAAA', { mediaType: 'text/plain', base64: true }],
    ['data:video/mp4;base64', undefined],
    ['data:video/mp4;x="no end,AAAA', undefined],
    ['data:not a type,AAAA', undefined],
    [`data:video/mp4;x=${'y'.repeat(2000)};base64,AAAA`, undefined],
    ['https://x/data:video/mp4;base64,AAAA', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    const head = dataUrlHead(text);
    if (expected === undefined) expect(head).toBeUndefined();
    else {
      expect(head).toMatchObject({ mediaType: expected.mediaType, base64: expected.base64 });
      expect(Object.fromEntries(head?.parameters ?? [])).toEqual(expected.parameters ?? {});
    }
  });

  it.each([
    ['data:audio/mpeg;base64,A', true],
    ['DATA:AUDIO/MPEG;Base64,A', true],
    ['data:audio/mpeg;codecs=mp3;base64,A', true],
    ['data:audio/mp4;codecs="mp4a.40.2, x";name=y;base64,A', true],
    ['data:audio/mpeg,A', false],
    ['data:video/mp4;base64,A', false],
    ['data:audio/mpeg;codecs="no end;base64,A', false],
  ])('%s matches the audio pattern: %s', (text, expected) => {
    expect(dataUrlPattern('audio/[a-z0-9.+-]+').test(text)).toBe(expected);
  });
});

describe('the content of a data URL', () => {
  it('round-trips with any parameters', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('', ';a=b', ';a="b,;c"'),
        (content, parameters) => {
          const decoded = decodeDataUrl(
            `data:video/mp4${parameters};base64,${Buffer.from(content).toString('base64')}`,
            300,
          );
          expect(decoded).toEqual({ mediaType: 'video/mp4', bytes: Buffer.from(content) });
        },
      ),
    );
  });

  it.each<[string, string, number, string | undefined]>([
    ['accepts content at the limit', `data:a/b;base64,${Buffer.alloc(1000).toString('base64')}`, 1000, 'bytes'],
    [
      'rejects content one byte over the limit',
      `data:a/b;base64,${Buffer.alloc(1001).toString('base64')}`,
      1000,
      'too-large',
    ],
    ['rejects content far over the limit', `data:a/b;base64,${'A'.repeat(1_000_000)}`, 1000, 'too-large'],
    ['decodes percent-encoded base64', 'data:a/b;base64,%2B%2f8%3D', 1000, 'bytes'],
    ['decodes base64url', 'data:a/b;base64,-_8', 1000, 'bytes'],
    ['rejects a data URL that is not base64', 'data:a/b,text', 1000, undefined],
    ['rejects other text', 'https://x', 1000, undefined],
  ])('%s', (_name, text, limit, expected) => {
    const decoded = decodeDataUrl(text, limit);
    if (expected === 'bytes') expect(decoded).toHaveProperty('bytes');
    else expect(decoded).toBe(expected);
  });

  it('decodes percent-encoded base64 and base64url to the same bytes', () => {
    const bytes = Buffer.from([0xfb, 0xff]);
    for (const text of ['+/8=', '%2B%2f8%3D', '-_8'])
      expect(decodeDataUrl(`data:a/b;base64,${text}`, 9)).toEqual({ mediaType: 'a/b', bytes });
  });
});
