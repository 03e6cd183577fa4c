import { describe, expect, it } from '@jest/globals';
import { ffmpegArgs } from './commands/command.args.js';
import { joinCall } from './commands/join.args.js';
import { parseProbe } from './verify/probe.parse.js';
import { missingFrom, missingMessage } from './ffmpeg/requirements.js';

describe('parseProbe', () => {
  const video = { codec_type: 'video', codec_name: 'h264', pix_fmt: 'yuv420p', width: 720, height: 1280 };
  const json = (streams: object[], format = { duration: '3.5', size: '100' }): string =>
    JSON.stringify({ format, streams });

  it('reads the description of a file', () => {
    expect(parseProbe(json([{ ...video, avg_frame_rate: '24000/1001' }]))).toMatchObject({
      durationSeconds: 3.5,
      bytes: 100,
      video: { codec: 'h264', width: 720, height: 1280, fps: 24_000 / 1001 },
    });
    expect(parseProbe(json([{ ...video, avg_frame_rate: '0/0' }])).video?.fps).toBe(0);
    expect(parseProbe(json([{ codec_type: 'audio', sample_rate: '48000', channels: 2 }])).video).toBeUndefined();
  });
  const cover = {
    codec_type: 'video',
    codec_name: 'mjpeg',
    width: 3000,
    height: 3000,
    disposition: { attached_pic: 1 },
  };
  const sound = { codec_type: 'audio', codec_name: 'aac', sample_rate: '48000' };
  const preferred = { disposition: { default: 1 } };
  it.each<[string, object[], number | undefined, number | undefined]>([
    ['the only streams', [video, { ...sound, channels: 2 }], 0, 1],
    ['no cover image', [cover, sound], undefined, 1],
    ['the picture beside a cover image', [cover, { ...video, width: 16, height: 16 }], 1, undefined],
    ['no thumbnails', [{ ...video, disposition: { timed_thumbnails: 1 } }, video], 1, undefined],
    ['the larger picture', [{ ...video, width: 360 }, video], 1, undefined],
    ['the default of two pictures', [video, { ...video, width: 360, ...preferred }], 1, undefined],
    [
      'the sound of more channels',
      [
        { ...sound, channels: 2 },
        { ...sound, channels: 6 },
      ],
      undefined,
      1,
    ],
    [
      'the default sound',
      [
        { ...sound, channels: 2, ...preferred },
        { ...sound, channels: 6 },
      ],
      undefined,
      0,
    ],
    [
      'a codec that ffmpeg knows',
      [
        { codec_type: 'audio', channels: 6, ...preferred },
        { ...sound, channels: 1 },
      ],
      undefined,
      1,
    ],
  ])('chooses as ffmpeg does: %s', (_name, streams, picture, audio) => {
    const probe = parseProbe(json(streams.map((stream, index) => ({ ...stream, index }))));
    expect([probe.video?.index, probe.audio?.index]).toEqual([picture, audio]);
  });
  it.each([
    ['invalid JSON', '{'],
    ['no streams', '{"format":{}}'],
    ['neither video nor audio', json([{ codec_type: 'subtitle' }])],
    ['a fractional width', json([{ ...video, width: 0.5 }])],
    ['a negative duration', json([video], { duration: '-3', size: '1' })],
    ['an infinite frame rate', json([{ ...video, avg_frame_rate: `${'9'.repeat(400)}/1` }])],
    ['a duration that is not a number', json([video], { duration: 'N/A', size: '1' })],
  ])('throws for %s', (_name, text) => {
    expect(() => parseProbe(text)).toThrow(expect.objectContaining({ code: 'MEDIA_INVALID', retryable: false }));
  });
});

describe('joinCall', () => {
  it('copies the pictures and the mixed sound', () => {
    const { inputs, options } = joinCall({ audio: '/sound.m4a', output: '/video.mp4' }, '/list.txt');
    expect(inputs.map(({ file }) => file)).toEqual(['/list.txt', '/sound.m4a']);
    expect(options.join(' ')).toMatch(/-map 0:v:0 -map 1:a:0 .*-c copy.*\+faststart/);
  });
});

describe('ffmpeg requirements and arguments', () => {
  it('finds missing names in a listing whose lines may hold several names', () => {
    const listing = ' V..... libx264   H.264\n D  mov,mp4,m4a QuickTime\n A..... aac AAC\n';
    expect(missingFrom(listing, ['libx264', 'mp4', 'aac', 'overlay'])).toEqual(['overlay']);
    expect(missingMessage(['overlay', 'aac'])).toContain('without overlay, aac; install');
  });
  it('passes arguments unchanged, without a shell or splitting', () => {
    const args = ffmpegArgs({
      inputs: [{ file: '/in file; rm -rf.mp4', options: ['-ss', '1 2'] }],
      options: ['-filter_complex', "a 'b' $(c)"],
      output: '/out file.mp4',
    });
    expect(args).toEqual(
      expect.arrayContaining(['/in file; rm -rf.mp4', '-ss', '1 2', "a 'b' $(c)", '/out file.mp4', '-nostdin']),
    );
  });
});
