import { describe, expect, it } from '@jest/globals';
import { ffmpegArgs } from './command-args.js';
import { concatList, joinCall } from './join-args.js';
import { parseProbe } from './probe.parse.js';
import { missingFrom, missingSentence } from './requirements.js';
import { Semaphore } from './semaphore.js';
import { brightestSecond } from './thumbnail-args.js';

const never = new AbortController().signal;

describe('what ffprobe says', () => {
  const video = { codec_type: 'video', codec_name: 'h264', pix_fmt: 'yuv420p', width: 720, height: 1280 };
  const json = (streams: object[], format = { duration: '3.5', size: '100' }): string =>
    JSON.stringify({ format, streams });

  it('is checked, and read', () => {
    expect(parseProbe(json([{ ...video, avg_frame_rate: '24000/1001' }]))).toMatchObject({
      durationSeconds: 3.5,
      bytes: 100,
      video: { codec: 'h264', width: 720, height: 1280, fps: 24_000 / 1001 },
    });
    expect(parseProbe(json([{ ...video, avg_frame_rate: '0/0' }])).video?.fps).toBe(0);
    expect(parseProbe(json([{ codec_type: 'audio', sample_rate: '48000', channels: 2 }])).video).toBeUndefined();
  });
  it.each([
    ['no JSON', '{'],
    ['no streams', '{"format":{}}'],
    ['neither picture nor sound', json([{ codec_type: 'subtitle' }])],
    ['a width that is no whole number', json([{ ...video, width: 0.5 }])],
    ['a negative duration', json([video], { duration: '-3', size: '1' })],
    ['a frame rate without an end', json([{ ...video, avg_frame_rate: `${'9'.repeat(400)}/1` }])],
    ['a duration that is no number', json([video], { duration: 'N/A', size: '1' })],
  ])('is refused: %s', (_name, text) => {
    expect(() => parseProbe(text)).toThrow(expect.objectContaining({ code: 'MEDIA_INVALID', retryable: false }));
  });
});

describe('a join', () => {
  const clips = [
    { file: "/a/it's 1.mov", durationSeconds: 3 },
    { file: '/a/2.mov', durationSeconds: 1 },
  ];
  const options = (music?: { file: string; volume: number }): string =>
    joinCall({ clips, output: '/film.mp4', ...(music && { music }) }, '/list.txt', 1).options.join(' ');

  it('lists its clips in their order, whatever their names hold', () => {
    expect(concatList(clips)).toBe(
      "ffconcat version 1.0\nfile '/a/it'\\''s 1.mov'\nduration 3\nfile '/a/2.mov'\nduration 1\n",
    );
  });
  it('copies the pictures and encodes the sound once; with music the clips are quieter and the music fades out', () => {
    for (const text of [options(), options({ file: '/m.mp3', volume: 0.3 })]) {
      expect(text).toContain('-c:v copy');
      expect(text.match(/-c:a aac/g)).toHaveLength(1);
      expect(text).toContain('+faststart');
    }
    expect(options()).toContain('volume=1,');
    expect(options({ file: '/m.mp3', volume: 0.3 })).toMatch(/volume=0\.6,.*volume=0\.3,.*afade=t=out:st=2:d=2/);
  });
});

describe('a thumbnail', () => {
  it('is the brightest of the measured frames', () => {
    const frame = (second: number, luma: number): string =>
      `frame:0 pts:1 pts_time:${second}\nlavfi.signalstats.YAVG=${luma}\n`;
    expect(brightestSecond(frame(0.5, 16) + frame(1.5, 120.5) + frame(2.5, 99))).toBe(1.5);
    expect(brightestSecond('')).toBeUndefined();
  });
});

describe('what is needed of ffmpeg', () => {
  it('is looked for in its listings, where one line may hold several names', () => {
    const listing = ' V..... libx264   H.264\n D  mov,mp4,m4a QuickTime\n A..... aac AAC\n';
    expect(missingFrom(listing, ['libx264', 'mp4', 'aac', 'drawtext'])).toEqual(['drawtext']);
    expect(missingSentence(['drawtext', 'aac'])).toContain('without drawtext, aac; install');
  });
  it('gets its arguments as they are: no shell, no splitting', () => {
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

describe('turns', () => {
  it('are taken in order, as many at once as allowed, and given back by work that fails', async () => {
    const turns = new Semaphore(2);
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const work = (name: string): Promise<void> =>
      turns.run(never, async () => {
        log.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
      });
    const all = ['a', 'b', 'c', 'd'].map(work);
    await expect(turns.run(AbortSignal.abort(), () => Promise.resolve())).rejects.toMatchObject({ code: 'CANCELED' });
    expect(log).toEqual(['a', 'b']);
    ends.shift()?.();
    await all[0];
    expect(log).toEqual(['a', 'b', 'c']);
    for (const end of ends.splice(0)) end();
    await Promise.all([all[1], all[2]]);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
    ends.shift()?.();
    await all[3];
    await expect(turns.run(never, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await turns.run(never, () => Promise.resolve('free'))).toBe('free');
  });
  it('are not waited for by canceled work', async () => {
    const turns = new Semaphore(1);
    let end: () => void = () => undefined;
    const first = turns.run(never, () => new Promise<void>((resolve) => (end = resolve)));
    const canceled = new AbortController();
    const second = turns.run(canceled.signal, () => Promise.resolve('never'));
    const third = turns.run(never, () => Promise.resolve('third'));
    canceled.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELED' });
    end();
    await first;
    expect(await third).toBe('third');
  });
});
