import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@clipmesh/config';
import {
  type Artifact,
  message,
  StitchFailed,
  StitchRender,
  type StitchRenderBody,
  VideoStitched,
} from '@clipmesh/contracts';
import { Media } from '@clipmesh/media';
import { readEvents, type Replica, startReplica } from '@clipmesh/messaging';
import { type ArtifactStore, openArtifactFolder } from '@clipmesh/persistence';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stitcherService } from '../src/stitcher.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;
const profile = { width: 180, height: 320, fps: 24 };

let broker: Broker;
let folder: TempFolder;
let artifacts: ArtifactStore;
let media: Media;
let replica: Replica;
const leaks = leakCheck();
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) });

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('stitcher');
  artifacts = await openArtifactFolder({ directory: join(folder.path, 'artifacts') });
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: join(folder.path, 'own'), maxProcesses: 1 });
  const config = loadConfig({
    NATS_URL: broker.url,
    DATA_DIR: folder.path,
    TEMP_DIR: join(folder.path, 'tmp'),
    MEDIA_ATTEMPTS: '2',
    MEDIA_RETRY_FIRST_SECONDS: '0.1',
  });
  const logger = createLogger({ service: 'stitcher', level: 'info' }, { write: () => undefined });
  replica = await startReplica(stitcherService, { config, workerId: 'stitcher.1', logger });
});

afterAll(async () => {
  await replica.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

let count = 0;

/** A scene as the overlay service stores it. The seed determines its pixels. */
async function sceneOf(
  seed: number,
  durationSeconds: number,
  frames: { leadFrames?: number; handleFrames?: number } = {},
): Promise<Artifact> {
  const [raw, output] = [join(folder.path, `${(count += 1)}.mp4`), join(folder.path, `${count}.mov`)];
  await media.render({ output: raw, seed, label: '', durationSeconds, width: 180, height: 320 }, context());
  await media.overlay({ file: raw, output, durationSeconds, profile, ...frames }, context());
  return artifacts.put(output, { contentType: 'video/quicktime' });
}

async function render(body: Omit<StitchRenderBody, 'generationId' | 'attempt' | 'profile'>): Promise<unknown> {
  const generationId = `gen_${(count += 1).toString(16).padStart(32, '0')}`;
  await replica.runtime.publish([message(StitchRender, { generationId, attempt: 1, profile, ...body })]);
  const reading = new AbortController();
  try {
    const event = await until(
      readEvents(replica.runtime.connection, generationId, { signal: reading.signal }),
      DEADLINE_MS,
      'the end of the stitch',
      ({ name }) => name === VideoStitched.name || name === StitchFailed.name,
    );
    return event.body;
  } finally {
    reading.abort();
  }
}

const bytesOf = (artifact: Artifact): Promise<Buffer> => artifacts.withFile(artifact, (path) => readFile(path));

describe('the stitcher', () => {
  it('joins the scenes in plan order, whatever their order in the command, and takes a thumbnail', async () => {
    const scenes = await Promise.all(
      [1, 2, 1].map(async (durationSeconds, index) => ({
        index,
        durationSeconds,
        clip: await sceneOf(index + 1, durationSeconds),
      })),
    );
    const { result } = VideoStitched.schema.parse(await render({ scenes: scenes.toReversed() }));
    expect(result).toMatchObject({ width: 180, height: 320, video: { contentType: 'video/mp4' } });
    expect(result.durationSeconds).toBe(4);
    const video = await bytesOf(result.video);
    expect(video.indexOf('moov')).toBeLessThan(video.indexOf('mdat'));
    expect((await bytesOf(result.thumbnail)).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
    await artifacts.withFile(result.video, async (file) => {
      expect(await media.probe(file, context())).toMatchObject({
        video: { codec: 'h264', pixelFormat: 'yuv420p', fps: 24 },
        audio: { codec: 'aac', sampleRate: 48_000, channels: 2 },
      });
    });
    // The same plan order gives identical bytes, another order does not.
    const sorted = VideoStitched.schema.parse(await render({ scenes }));
    expect(sorted.result.video.sha256).toBe(result.video.sha256);
    const turned = scenes.toReversed().map((scene, index) => ({ ...scene, index }));
    const other = VideoStitched.schema.parse(await render({ scenes: turned }));
    expect(other.result.video.sha256).not.toBe(result.video.sha256);
  });

  it('mixes in music, cut to the length of the video', async () => {
    const clip = await sceneOf(5, 1);
    const bed = join(folder.path, 'bed.mp4');
    await media.render({ output: bed, seed: 9, label: '', durationSeconds: 3, width: 64, height: 64 }, context());
    const artifact = await artifacts.put(bed, { contentType: 'audio/mp4' });
    const scenes = [{ index: 0, durationSeconds: 1, clip }];
    const quiet = VideoStitched.schema.parse(await render({ scenes }));
    const { result } = VideoStitched.schema.parse(await render({ scenes, music: { artifact, volume: 0.3 } }));
    expect(result.video.sha256).not.toBe(quiet.result.video.sha256);
    expect(result.durationSeconds).toBe(1);
  });

  it('takes the best thumbnail that the overlays found, without a look at the video', async () => {
    const [dark, bright, white] = await Promise.all(
      [1, 2, 3].map(async (byte) => {
        const path = join(folder.path, `candidate-${byte}.jpg`);
        await writeFile(path, Buffer.from([0xff, 0xd8, byte]));
        return artifacts.put(path, { contentType: 'image/jpeg' });
      }),
    );
    const clip = await sceneOf(8, 1);
    const scene = (index: number, picture: Artifact | undefined, luma: number) => ({
      ...{ index, clip, durationSeconds: 1 },
      ...(picture === undefined ? {} : { thumbnail: { picture, luma, contrast: 90, detail: 0.1 } }),
    });
    const scenes = [scene(0, dark, 18), scene(1, white, 234), scene(2, bright, 110)];
    const { result } = VideoStitched.schema.parse(await render({ scenes }));
    expect(result.thumbnail).toEqual(bright);
  });

  it('mixes in the bed of a mood', async () => {
    const scenes = [{ index: 0, durationSeconds: 1, clip: await sceneOf(6, 1) }];
    const sums: string[] = [];
    for (const bed of [undefined, 'calm', 'epic', 'calm'] as const) {
      const music = bed === undefined ? {} : { music: { bed, volume: 0.3 } };
      const { result } = VideoStitched.schema.parse(await render({ scenes, ...music }));
      sums.push(result.video.sha256);
    }
    expect(new Set(sums).size).toBe(3);
    expect(sums[3]).toBe(sums[1]);
  });

  it('joins the transitions that it gets, makes those that are missing, and keeps the planned length', async () => {
    const scenes = await Promise.all(
      [1, 2, 1].map(async (durationSeconds, index) => ({
        index,
        durationSeconds,
        clip: await sceneOf(index + 11, durationSeconds, { leadFrames: 12, handleFrames: 12 }),
      })),
    );
    const paths = scenes.map(({ clip }) => join(folder.path, 'artifacts', clip.key));
    const [from, to] = [{ file: paths[0] ?? '', durationSeconds: 1 }, { file: paths[1] ?? '' }];
    const output = join(folder.path, 'transition.mov');
    await media.blend({ kind: 'zoom', from, to, profile, output }, 'overlay', context());
    const clip = await artifacts.put(output, { contentType: 'video/quicktime' });
    const kinds = [undefined, { kind: 'zoom' }, { kind: 'crossfade' }] as const;
    const stitched = async (given: readonly (object | undefined)[]): Promise<string> => {
      const changes = scenes.map((scene, index) => {
        const transition = kinds[index];
        return transition === undefined ? scene : { ...scene, transition: { ...transition, ...given[index] } };
      });
      const { result } = VideoStitched.schema.parse(await render({ scenes: changes }));
      await artifacts.withFile(result.video, async (file) => {
        const { durationSeconds } = await media.probe(file, context());
        expect(Math.abs(durationSeconds - 4)).toBeLessThan(0.05);
      });
      return result.video.sha256;
    };
    // Where a transition is made does not show in the video.
    const both = await stitched([undefined, { clip }]);
    expect(await stitched([])).toBe(both);
    const cuts = VideoStitched.schema.parse(await render({ scenes }));
    expect(cuts.result.video.sha256).not.toBe(both);
  });

  it('speaks in the scene that the speech belongs to', async () => {
    const scenes = await Promise.all(
      [0, 1].map(async (index) => ({ index, durationSeconds: 1, clip: await sceneOf(8, 1) })),
    );
    const voice = join(folder.path, 'voice.mp4');
    await media.render({ output: voice, seed: 4, label: '', durationSeconds: 1, width: 64, height: 64 }, context());
    const speech = await artifacts.put(voice, { contentType: 'audio/mp4' });
    const sums: string[] = [];
    for (const scene of [0, 1]) {
      const said = [{ scene, speech, durationSeconds: 1, tempo: 1 }];
      const { result } = VideoStitched.schema.parse(await render({ scenes, speech: said }));
      expect(result.durationSeconds).toBe(2);
      sums.push(result.video.sha256);
    }
    expect(sums[0]).not.toBe(sums[1]);
  });

  it('fails for a missing scene file', async () => {
    const clip = await sceneOf(7, 1);
    await artifacts.remove(clip);
    const { failure } = StitchFailed.schema.parse(await render({ scenes: [{ index: 0, durationSeconds: 1, clip }] }));
    expect(failure).toMatchObject({ stage: 'stitch', charged: false });
  });
});
