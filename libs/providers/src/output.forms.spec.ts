import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { videoUrlOf } from './output.forms.js';

const MP4 = 'https://x.test/clip.mp4';
const BARE = 'https://x.test/files/abc';
const JPG = 'https://x.test/thumb.jpg';
const GIF = 'https://x.test/clip.gif';
const MP3 = 'https://x.test/sound.mp3';
const DATA = 'data:video/mp4;codecs="avc1.42E01E, mp4a.40.2";base64,AAAA';

describe('the video in an output', () => {
  it.each<[string, unknown, string]>([
    ['a URL', MP4, MP4],
    ['a URL without an extension', BARE, BARE],
    ['a URL with a query', `${MP4}?X-Amz-Signature=a.jpg`, `${MP4}?X-Amz-Signature=a.jpg`],
    ['a URL with a line break behind it', `${MP4}\n`, MP4],
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
    ['a video behind a GIF and a picture', [GIF, JPG, MP4], MP4],
    ['a video behind its sound', { audio: MP3, video: MP4 }, MP4],
    ['a video rather than its preview', { preview: 'https://x.test/preview.mp4', video: BARE }, BARE],
    ['a video rather than a file of no kind', [BARE, MP4], MP4],
    ['a file of no kind rather than a GIF', [GIF, BARE], BARE],
    ['a GIF where there is nothing else', [JPG, GIF], GIF],
    ['a preview where there is nothing else', { preview: MP4 }, MP4],
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
    ['a file whose type says nothing', { url: MP4, content_type: 'application/octet-stream' }, MP4],
    ['a URL rather than the one in the input', { input: { video: `${MP4}?in` }, output: MP4 }, MP4],
    ['a URL whose field name says nothing', { a: { b: { c: { d: MP4 } } } }, MP4],
    ['an extension in capitals', 'https://x.test/CLIP.MP4', 'https://x.test/CLIP.MP4'],
    ['a data URL', DATA, DATA],
    ['a data URL in an object', { video: { data: DATA } }, DATA],
    ['a data URL of no type', 'data:application/octet-stream;base64,AAAA', 'data:application/octet-stream;base64,AAAA'],
    ['a video rather than a data URL of a picture', ['data:image/png;base64,AAAA', DATA], DATA],
    ['JSON in a text', JSON.stringify({ video: MP4 }), MP4],
  ])('%s', (_name, output, expected) => {
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
    ['a picture', JPG],
    ['a picture under the name of a video', { video: JPG }],
    ['only a thumbnail', { thumbnail: BARE }],
    ['only sound', { audio: BARE, music: MP3 }],
    ['a playlist', 'https://x.test/master.m3u8'],
    ['a file of this machine', 'file:///etc/passwd'],
    ['a path', '/tmp/clip.mp4'],
    ['a bucket', 'gs://bucket/clip.mp4'],
    ['a script', 'javascript:alert(1)'],
    ['a data URL of a picture', 'data:image/png;base64,AAAA'],
    ['a data URL of a page', 'data:text/html;base64,AAAA'],
    ['a data URL without base64', 'data:video/mp4,AAAA'],
    ['no URL', 'https://'],
    ['broken JSON', '{"video": "https://x.test/clip.mp4"'],
    ['a video that lies too deep', Array.from({ length: 20 }).reduce((inner) => [inner], MP4)],
  ])('is not in %s', (_name, output) => {
    expect(videoUrlOf(output)).toBeUndefined();
  });
});

describe('hostile outputs', () => {
  it('never throw, and give a URL that is in them or nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 12 }), (output) => {
        const url = videoUrlOf(output);
        if (url !== undefined) expect(url).toMatch(/^(https?:\/\/|data:)/i);
      }),
    );
  });

  it('hide no video by their order', () => {
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
  ])('are looked at to a limit: %s', (_name, build) => {
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

  it('that refer to themselves come to an end', () => {
    const loop: Record<string, unknown> = { video: { url: MP4 } };
    loop['self'] = loop;
    expect(videoUrlOf(loop)).toBe(MP4);
  });
});
