import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { videoUrlOf } from './output.forms.js';

const MP4 = 'https://x.test/clip.mp4';
const BARE = 'https://x.test/files/abc';
const JPG = 'https://x.test/thumb.jpg';
const GIF = 'https://x.test/clip.gif';
const MP3 = 'https://x.test/sound.mp3';
const DATA = 'data:video/mp4;codecs="avc1.42E01E, mp4a.40.2";base64,AAAA';

describe('the video URL of an output', () => {
  it.each<[string, unknown, string]>([
    ['a URL', MP4, MP4],
    ['a URL without an extension', BARE, BARE],
    ['a URL with a query', `${MP4}?X-Amz-Signature=a.jpg`, `${MP4}?X-Amz-Signature=a.jpg`],
    ['a URL followed by a line break', `${MP4}\n`, MP4],
    ['an array of one', [MP4], MP4],
    ['an array of several, the first', [`${MP4}?1`, `${MP4}?2`], `${MP4}?1`],
    ['an array with gaps', [null, '', MP4], MP4],
    ['an array of arrays', [[MP4]], MP4],
    ['{video: url}', { video: BARE }, BARE],
    ['{video: {url}}', { video: { url: BARE } }, BARE],
    ['{videos: […]}', { videos: [{ url: BARE }] }, BARE],
    ['{output: url}', { output: MP4 }, MP4],
    ['{output: {video}}', { output: { video: BARE } }, BARE],
    ['{result: {files: […]}}', { result: { files: [JPG, MP4] } }, MP4],
    ['{video_url}', { video_url: BARE, seed: 7 }, BARE],
    ['{mp4, webm}', { mp4: BARE, gif: GIF }, BARE],
    ['[{type, url}]', [{ type: 'clip', url: BARE }], BARE],
    ['a video beside its thumbnail', { thumbnail: JPG, video: BARE }, BARE],
    ['a video after a GIF and an image', [GIF, JPG, MP4], MP4],
    ['a video after its sound', { audio: MP3, video: MP4 }, MP4],
    ['a video rather than its preview', { preview: 'https://x.test/preview.mp4', video: BARE }, BARE],
    ['a video rather than a file of unknown kind', [BARE, MP4], MP4],
    ['a file of unknown kind rather than a GIF', [GIF, BARE], BARE],
    ['a GIF when there is nothing else', [JPG, GIF], GIF],
    ['a preview when there is nothing else', { preview: MP4 }, MP4],
    [
      'a file by its content type',
      [
        { url: `${BARE}1`, content_type: 'image/png' },
        { url: `${BARE}2`, content_type: 'video/webm; codecs="vp9"' },
      ],
      `${BARE}2`,
    ],
    [
      'a file by its name',
      {
        files: [
          { url: `${BARE}1`, file_name: 'a.png' },
          { url: `${BARE}2`, file_name: 'a.mp4' },
        ],
      },
      `${BARE}2`,
    ],
    ['a file with a generic content type', { url: MP4, content_type: 'application/octet-stream' }, MP4],
    ['a URL rather than the one in the input', { input: { video: `${MP4}?in` }, output: MP4 }, MP4],
    ['a URL under unknown field names', { a: { b: { c: { d: MP4 } } } }, MP4],
    ['an upper-case extension', 'https://x.test/CLIP.MP4', 'https://x.test/CLIP.MP4'],
    ['a data URL', DATA, DATA],
    ['a data URL in an object', { video: { data: DATA } }, DATA],
    [
      'a data URL with a generic type',
      'data:application/octet-stream;base64,AAAA',
      'data:application/octet-stream;base64,AAAA',
    ],
    ['a video rather than a data URL of an image', ['data:image/png;base64,AAAA', DATA], DATA],
    ['a JSON text', JSON.stringify({ video: MP4 }), MP4],
  ])('is found in %s', (_name, output, expected) => {
    expect(videoUrlOf(output)).toBe(expected);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['an empty array', []],
    ['an empty object', {}],
    ['an empty text', ''],
    ['a text', 'The video could not be made.'],
    ['a text with a URL in it', `see ${MP4} for the video`],
    ['a number', 42],
    ['true', true],
    ['an image', JPG],
    ['an image in a video field', { video: JPG }],
    ['only a thumbnail', { thumbnail: BARE }],
    ['only sound', { audio: BARE, music: MP3 }],
    ['a playlist', 'https://x.test/master.m3u8'],
    ['a file URL', 'file:///etc/passwd'],
    ['a path', '/tmp/clip.mp4'],
    ['a bucket URL', 'gs://bucket/clip.mp4'],
    ['a script URL', 'javascript:alert(1)'],
    ['a data URL of an image', 'data:image/png;base64,AAAA'],
    ['a data URL of an HTML page', 'data:text/html;base64,AAAA'],
    ['a data URL without base64', 'data:video/mp4,AAAA'],
    ['an invalid URL', 'https://'],
    ['broken JSON', '{"video": "https://x.test/clip.mp4"'],
    ['a video that is nested too deep', Array.from({ length: 20 }).reduce((inner) => [inner], MP4)],
  ])('is undefined for %s', (_name, output) => {
    expect(videoUrlOf(output)).toBeUndefined();
  });
});

describe('hostile outputs', () => {
  it('never throw, and yield a URL or undefined', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 12 }), (output) => {
        const url = videoUrlOf(output);
        if (url !== undefined) expect(url).toMatch(/^(https?:\/\/|data:)/i);
      }),
    );
  });

  it('yield the video in any order of files', () => {
    const others = [JPG, MP3, GIF, 'text', null, 7, {}, []];
    fc.assert(
      fc.property(fc.shuffledSubarray([...others, MP4], { minLength: 1 }), (output) => {
        fc.pre(output.includes(MP4));
        expect(videoUrlOf(output)).toBe(MP4);
        expect(videoUrlOf({ files: output })).toBe(MP4);
      }),
    );
  });

  it.each<[string, (n: number) => unknown]>([
    ['deep', (n) => Array.from({ length: n }).reduce((inner) => ({ video: inner }), MP4)],
    ['wide', (n) => Array.from({ length: n }, () => ({ a: [1, 2, 3] }))],
    ['wide at every level', (n) => Array.from({ length: n }, () => Array.from({ length: 50 }, () => [{}]))],
  ])('are searched up to a limit: %s', (_name, build) => {
    let reads = 0;
    const counted = (value: unknown): unknown =>
      typeof value !== 'object' || value === null
        ? value
        : new Proxy(value, {
            get: (target, name) => {
              reads += 1;
              return counted(Reflect.get(target, name));
            },
          });
    const cost = (n: number): number => {
      reads = 0;
      videoUrlOf(counted(build(n)));
      return reads;
    };
    expect(cost(20_000)).toBeLessThanOrEqual(cost(10_000) + 10);
  });

  it('with circular references are searched in finite time', () => {
    const loop: Record<string, unknown> = { video: { url: MP4 } };
    loop['self'] = loop;
    expect(videoUrlOf(loop)).toBe(MP4);
  });
});
