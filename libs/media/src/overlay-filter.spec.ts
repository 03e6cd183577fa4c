import { type OverlayText } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { drawTextFilters, filterValue, fontPixels, overlayCall, textBox } from './overlay-filter.js';

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

describe('the filter of a text', () => {
  it.each([
    ['plain.txt', 'plain.txt'],
    ['a:b', String.raw`a\\:b`],
    ["it's", String.raw`it\\\'s`],
    ['a,b;c[d]', String.raw`a\,b\;c\[d\]`],
    [String.raw`back\slash`, String.raw`back\\\\slash`],
  ])('escapes %s once for the option and once for the graph', (value, escaped) => {
    expect(filterValue(value)).toBe(escaped);
  });

  it('never holds the text itself, which ffmpeg reads from a file and does not expand', () => {
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
  ] as const)('%s: two lines begin %i px below the upper edge', (position, y) => {
    const two = drawn({ position }, ['/tmp/a.txt', '/tmp/b.txt']);
    expect(two.map((filter) => Number(/:y=(\d+)/.exec(filter)?.[1]))).toEqual([y, y + 50]);
  });

  it('moves, fades and throws a shadow only when asked', () => {
    expect(drawn({})[0]).not.toMatch(/alpha|shadow|t\//);
    expect(drawn({ animation: 'fade' })[0]).toMatch(/alpha=min\(1\\,t\/0\.5\)/);
    expect(drawn({ animation: 'fade' })[0]).not.toMatch(/y=[^:]*t\//);
    expect(drawn({ animation: 'slide' })[0]).toMatch(/y=[^:]*max\(0\\,1-t\/0\.5\)/);
    expect(drawn({ shadow: true })[0]).toMatch(/shadowx=2:shadowy=2/);
  });

  it('has nine tenths of the width, and a size by the short side', () => {
    expect(textBox(profile)).toEqual({ width: 648, height: 1024 });
    expect([fontPixels(48, profile), fontPixels(48, { ...profile, width: 1280, height: 720 })]).toEqual([48, 48]);
    expect(fontPixels(24, { width: 90, height: 160, fps: 24 })).toBe(4);
  });
});

describe('the encode of a scene', () => {
  const call = (hasAudio: boolean): string =>
    overlayCall({ file: '/in.mp4', output: '/out.mov', durationSeconds: 3, profile }, { hasAudio }, ['drawtext=x'], {
      threads: 1,
      preset: 'veryfast',
      crf: 20,
    }).options.join(' ');

  it('is one, of exactly as many frames as the plan says, with sound of the same length', () => {
    expect(call(true).match(/libx264/g)).toHaveLength(1);
    expect(call(true)).toContain('-frames:v 72');
    expect(call(true)).toMatch(/trim=duration=3,format=yuv420p,drawtext=x\[v\]/);
    expect(call(true)).toMatch(/\[0:a:0\].*apad=whole_dur=3,atrim=duration=3\[a\]/);
    expect(call(false)).toMatch(/;anullsrc=r=48000:cl=stereo,atrim=duration=3\[a\]/);
  });
});
