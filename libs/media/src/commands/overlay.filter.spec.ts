import { describe, expect, it } from '@jest/globals';
import { type TextLayer } from '../text/text.layer.js';
import { layerFilters, layerInput } from './overlay.filter.js';
import { overlayCall } from './scene.args.js';
import { type SourceStream } from './scene.source.js';

const profile = { width: 720, height: 1280, fps: 24 };
const layer: TextLayer = { file: '/tmp/text.rgba', left: 80, top: 600, width: 400, height: 120, frames: [0, 1, 2] };

/** The frame at which ffmpeg shows picture `n`, by the expression in the graph. */
function frameOf(frames: readonly number[], n: number): number {
  const [, expression = ''] = /setpts=\((.*?)\)\/FR/.exec(layerFilters({ ...layer, frames }, 1)) ?? [];
  return [...expression.matchAll(/\+gte\(N\\,(\d+)\)\*(\d+)/g)].reduce(
    (sum, [, from, jump]) => sum + (n >= Number(from) ? Number(jump) : 0),
    n,
  );
}

describe('the layer of a text', () => {
  it.each([[[0, 1, 2]], [[0, 1, 2, 60, 61]], [[3, 9, 10, 40]]])('shows its pictures at the frames %j', (frames) => {
    expect(frames.map((_frame, index) => frameOf(frames, index))).toEqual(frames);
  });

  it('is raw pixels of a known size, which ffmpeg need not parse', () => {
    expect(layerInput(layer, profile)).toEqual({
      file: '/tmp/text.rgba',
      options: ['-f', 'rawvideo', '-pixel_format', 'rgba', '-video_size', '400x120', '-framerate', '24'],
    });
  });

  it('stays until the end, in the colours of BT.709', () => {
    const graph = layerFilters(layer, 1);
    expect(graph).toMatch(/^\[1:v\]setpts=.*out_color_matrix=bt709:out_range=tv,format=yuva420p\[text\];/);
    expect(graph).toMatch(/\[base\]\[text\]overlay=x=80:y=600:format=yuv420:eof_action=repeat$/);
  });
});

describe('the encode of a scene', () => {
  const sound = { index: 1 };
  const video = {
    ...{ index: 2, codec: 'h264', pixelFormat: 'yuv420p', width: 720, height: 1280, fps: 24 },
    ...{ isInterlaced: false, hasAlpha: false, color: {} },
  };
  const call = (audio: SourceStream | undefined, durationSeconds = 3, text?: TextLayer) =>
    overlayCall({ file: '/in.mp4', output: '/out.mov', durationSeconds, profile }, { video, audio }, text, {
      threads: 1,
      preset: 'veryfast',
      crf: 20,
    });
  const options = (...args: Parameters<typeof call>): string => call(...args).options.join(' ');

  it('runs once, with the exact number of frames and samples', () => {
    expect(options(sound).match(/libx264/g)).toHaveLength(1);
    expect(options(sound)).toMatch(/\[0:2\].*trim=end_frame=72\[v\]/);
    expect(options(sound, 3, layer)).toMatch(/\[0:2\].*trim=end_frame=72\[base\];\[1:v\].*\[v\] -filter_complex/);
    expect(options(sound)).toMatch(/\[0:1\].*apad=whole_len=144000,atrim=end_sample=144000\[a\]/);
    expect(options(undefined)).toMatch(/-filter_complex anullsrc=r=48000:cl=stereo,atrim=end_sample=144000\[a\]/);
  });
  it('ends the sound with the last whole frame', () => {
    expect(options(sound, 2.51)).toContain('trim=end_frame=60[v]');
    expect(options(sound, 2.51)).toContain('atrim=end_sample=120000');
  });
  it('reads a text only when there is one', () => {
    expect(call(sound).inputs.map(({ file }) => file)).toEqual(['/in.mp4']);
    expect(call(sound, 3, layer).inputs.map(({ file }) => file)).toEqual(['/in.mp4', '/tmp/text.rgba']);
  });
});
