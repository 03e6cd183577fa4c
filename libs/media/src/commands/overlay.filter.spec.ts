import { type OverlayText } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { drawTextFilters, filterValue, fontPixels, textBox } from './overlay.filter.js';
import { overlayCall } from './scene.args.js';
import { type SourceStream } from './scene.source.js';

const profile = { width: 720, height: 1280, fps: 24 };
const overlay: OverlayText = {
  text: `It's 100%: %{pts}`,
  position: 'bottom',
  fontSizePt: 48,
  color: '#ffcc00',
  animation: 'none',
  shadow: false,
};
const drawn = (more: Partial<OverlayText>, files = ['/tmp/line-0.txt']): string[] =>
  drawTextFilters({ ...overlay, ...more }, { lines: files, size: 40 }, files, '/fonts/Sans.ttf', profile);

describe('the drawtext filters of a text', () => {
  it.each([
    ['plain.txt', 'plain.txt'],
    ['a:b', String.raw`a\\:b`],
    ["it's", String.raw`it\\\'s`],
    ['a,b;c[d]', String.raw`a\,b\;c\[d\]`],
    [String.raw`back\slash`, String.raw`back\\\\slash`],
  ])('escape %s for the option and for the graph', (value, escaped) => {
    expect(filterValue(value)).toBe(escaped);
  });

  it('never contain the text, which ffmpeg reads from a file without expansion', () => {
    const [filter = ''] = drawn({});
    expect(filter).not.toContain('100');
    expect(filter).toContain('textfile=/tmp/line-0.txt');
    expect(filter).toContain('expansion=none');
    expect(filter).toContain('fontcolor=0xffcc00');
  });

  it.each([
    ['top', 102],
    ['center', 590],
    ['bottom', 1078],
  ] as const)('at the %s start two lines %i px below the upper edge', (position, y) => {
    const two = drawn({ position }, ['/tmp/a.txt', '/tmp/b.txt']);
    expect(two.map((filter) => Number(/:y=(\d+)/.exec(filter)?.[1]))).toEqual([y, y + 50]);
  });

  it('animate and draw a shadow only when requested', () => {
    expect(drawn({})[0]).not.toMatch(/alpha|shadow|t\//);
    expect(drawn({ animation: 'fade' })[0]).toMatch(/alpha=min\(1\\,t\/0\.5\)/);
    expect(drawn({ animation: 'fade' })[0]).not.toMatch(/y=[^:]*t\//);
    expect(drawn({ animation: 'slide' })[0]).toMatch(/y=[^:]*max\(0\\,1-t\/0\.5\)/);
    expect(drawn({ shadow: true })[0]).toMatch(/shadowx=2:shadowy=2/);
  });

  it('fit in nine tenths of the width, with a size based on the short side', () => {
    expect(textBox(profile)).toEqual({ width: 648, height: 1024 });
    expect([fontPixels(48, profile), fontPixels(48, { ...profile, width: 1280, height: 720 })]).toEqual([48, 48]);
    expect(fontPixels(24, { width: 90, height: 160, fps: 24 })).toBe(4);
  });
});

describe('the encode of a scene', () => {
  const sound = { index: 1 };
  const call = (audio: SourceStream | undefined, durationSeconds = 3): string =>
    overlayCall(
      { file: '/in.mp4', output: '/out.mov', durationSeconds, profile },
      { video: { index: 2 }, audio },
      ['drawtext=x'],
      { threads: 1, preset: 'veryfast', crf: 20 },
    ).options.join(' ');

  it('runs once, with the exact number of frames and samples', () => {
    expect(call(sound).match(/libx264/g)).toHaveLength(1);
    expect(call(sound)).toMatch(/\[0:2\].*trim=end_frame=72,format=yuv420p,drawtext=x\[v\]/);
    expect(call(sound)).toMatch(/\[0:1\].*apad=whole_len=144000,atrim=end_sample=144000\[a\]/);
    expect(call(undefined)).toMatch(/;anullsrc=r=48000:cl=stereo,atrim=end_sample=144000\[a\]/);
  });
  it('ends the sound with the last whole frame', () => {
    expect(call(sound, 2.51)).toContain('trim=end_frame=60,');
    expect(call(sound, 2.51)).toContain('atrim=end_sample=120000');
  });
});
