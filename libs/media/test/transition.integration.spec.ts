import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blendSchema } from '@clipmesh/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type JoinInput, Media } from '../src/index.js';

const DEADLINE_MS = 300_000;
const profile = { width: 90, height: 160, fps: 24 };
const LEAD = 12;
let dir: string;
let media: Media;
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) });
const at = (name: string): string => join(dir, name);
const run = (program: string, args: readonly string[]): Buffer =>
  execFileSync(program, ['-v', 'error', ...args], { timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'transition-test-'));
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: join(dir, 'tmp'), maxProcesses: 2 });
  // The luma of each frame is its number plus an offset, so that a frame is recognised after all steps.
  for (const [name, first] of Object.entries({ rising: 30, higher: 130 })) {
    const source = `color=c=black:s=32x32:r=24:d=4,format=yuv420p,geq=lum='${first}+N':cb=128:cr=128`;
    run('ffmpeg', ['-f', 'lavfi', '-i', source, '-c:v', 'libx264', '-qp', '0', '-y', at(`${name}.mp4`)]);
    const scene = { durationSeconds: 3, profile, leadFrames: LEAD, handleFrames: LEAD };
    await media.overlay({ ...scene, file: at(`${name}.mp4`), output: at(`${name}.mov`) }, context());
  }
  const clips = [{ file: at('rising.mov'), durationSeconds: 3 }];
  await media.mix({ scenes: [...clips, ...clips], output: at('sound.m4a') }, context());
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** The mean luma of every frame. Fails for a file with any decode error. */
function lumaOf(file: string): number[] {
  const args = ['-xerror', '-i', file, '-map', '0:v:0', '-vf', 'scale=2:2:flags=area', '-pix_fmt', 'yuv420p'];
  const bytes = run('ffmpeg', [...args, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-']);
  return Array.from({ length: bytes.length / 6 }, (_, frame) => {
    const quarters = bytes.subarray(frame * 6, frame * 6 + 4);
    return quarters.reduce((sum, value) => sum + value, 0) / 4;
  });
}
const parameterSets = (file: string): string =>
  run('ffprobe', [
    ...['-select_streams', 'v', '-show_data_hash', 'sha256', '-show_entries', 'stream=extradata_hash'],
    ...['-of', 'csv=p=0', file],
  ]).toString();
const joined = async (clips: JoinInput['clips'], audio: string, name: string): Promise<string> => {
  await media.join({ clips, profile, audio, output: at(name) }, context());
  return at(name);
};
const scenes = { from: { file: '', durationSeconds: 3 }, to: { file: '' } };

describe('a transition', () => {
  it.each(blendSchema.options)(
    '%s replaces only its frames: every other frame of both scenes is there, in its place',
    async (kind) => {
      scenes.from.file = at('rising.mov');
      scenes.to.file = at('higher.mov');
      const transition = at(`${kind}.mov`);
      await media.blend({ ...scenes, kind, profile, output: transition }, 'overlay', context());
      expect(parameterSets(transition)).toBe(parameterSets(scenes.to.file));
      const clips = [scenes.from, { ...scenes.to, durationSeconds: 3, transition }];
      const luma = lumaOf(await joined(clips, at('sound.m4a'), `${kind}.mp4`));
      expect(luma).toHaveLength(144);
      const planned = Array.from({ length: 144 }, (_, frame) => (frame < 72 ? 30 + frame : 130 + frame - 72));
      const off = planned.flatMap((value, frame) =>
        (frame < 72 || frame >= 72 + LEAD) && Math.abs(value - (luma[frame] ?? 0)) > 1 ? [frame] : [],
      );
      expect(off).toEqual([]);
      // In between there is neither scene alone.
      const away = luma.slice(72, 72 + LEAD).map((value) => Math.min(Math.abs(value - 108), Math.abs(value - 136)));
      expect(Math.max(...away)).toBeGreaterThan(10);
    },
  );

  it.each([
    ['dip-black', 16, 60],
    ['dip-white', 200, 235],
  ])('%s goes through its colour, in the legal range', (kind, low, high) => {
    const luma = lumaOf(at(`${kind}.mov`));
    const extreme = kind === 'dip-black' ? Math.min(...luma) : Math.max(...luma);
    expect(extreme).toBeGreaterThanOrEqual(low - 1);
    expect(extreme).toBeLessThanOrEqual(high + 1);
  });

  it('begins with the picture that follows the planned end of the earlier scene', () => {
    expect(Math.abs((lumaOf(at('crossfade.mov'))[0] ?? 0) - 102)).toBeLessThanOrEqual(1);
  });

  it('from a scene without a handle is a cut', async () => {
    const bare = { durationSeconds: 3, profile, file: at('rising.mp4'), output: at('bare.mov') };
    await media.overlay(bare, context());
    const [from, to] = [{ file: at('bare.mov'), durationSeconds: 3 }, { file: at('higher.mov') }];
    await media.blend({ kind: 'crossfade', from, to, profile, output: at('none.mov') }, 'overlay', context());
    const luma = lumaOf(at('none.mov'));
    expect(luma).toHaveLength(LEAD);
    expect(luma.every((value, frame) => Math.abs(value - (130 + frame)) <= 1)).toBe(true);
  });
});

it('twelve scenes of 5 s with cross-fades have exactly 60 s, and their sound stays in step', async () => {
  // Each scene has one white frame and a beep, both at 2.5 s.
  const flash = "color=c=black:s=32x32:r=24:d=6,format=yuv420p,geq=lum='if(eq(N,60),235,40)':cb=128:cr=128";
  const beep = "aevalsrc='if(between(t,2.5,2.6),0.5*sin(2*PI*1000*t),0)':s=48000:d=6";
  const inputs = ['-f', 'lavfi', '-i', flash, '-f', 'lavfi', '-i', beep];
  run('ffmpeg', [...inputs, '-c:v', 'libx264', '-c:a', 'pcm_s16le', '-f', 'mov', '-y', at('flash.mov')]);
  const scene = { durationSeconds: 5, profile, leadFrames: LEAD, handleFrames: LEAD };
  await media.overlay({ ...scene, file: at('flash.mov'), output: at('scene.mov') }, context());
  const one = { file: at('scene.mov'), durationSeconds: 5 };
  const transition = at('flash-transition.mov');
  await media.blend({ kind: 'crossfade', from: one, to: one, profile, output: transition }, 'overlay', context());
  const clips = Array.from({ length: 12 }, (_, index) => (index === 0 ? one : { ...one, transition }));
  await media.mix({ scenes: clips, output: at('beeps.m4a') }, context());
  const video = await joined(clips, at('beeps.m4a'), 'flashes.mp4');
  const luma = lumaOf(video);
  expect(luma).toHaveLength(1440);
  const flashes = luma.flatMap((value, frame) => (value > 180 ? [frame] : []));
  expect(flashes).toEqual(clips.map((_, index) => index * 120 + 60));
  const sound = run('ffmpeg', ['-i', video, '-map', '0:a:0', '-ac', '1', '-ar', '8000', '-f', 'f32le', '-']);
  const samples = new Float32Array(sound.buffer, sound.byteOffset, Math.floor(sound.byteLength / 4));
  const starts = clips.map((_, index) => {
    const from = (index * 5 + 1) * 8000;
    return (from + samples.subarray(from, from + 3 * 8000).findIndex((value) => Math.abs(value) > 0.05)) / 8000;
  });
  const drift = starts.map((second, index) => Math.abs(second - (index * 5 + 2.5)));
  expect(Math.max(...drift)).toBeLessThan(1 / 24);
});
