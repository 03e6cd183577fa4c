import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@clipmesh/config';
import {
  type Artifact,
  message,
  OverlayApplied,
  OverlayApply,
  type OverlayApplyBody,
  OverlayFailed,
} from '@clipmesh/contracts';
import { Media } from '@clipmesh/media';
import { openCancellations, readBacklog, readEvents, type Replica, startReplica } from '@clipmesh/messaging';
import { type ArtifactStore, openArtifactFolder } from '@clipmesh/persistence';
import { type Broker, filesUnder, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { overlayService } from '../src/overlay.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;
const profile = { width: 360, height: 640, fps: 24 };

const logged: string[] = [];
let broker: Broker;
let folder: TempFolder;
let artifacts: ArtifactStore;
let media: Media;
let replica: Replica;
const leaks = leakCheck();
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) });
const tempOf = (workerId: string): string => join(folder.path, 'tmp', workerId);

function start(workerId: string, more: Record<string, string> = {}): Promise<Replica> {
  const config = loadConfig({
    NATS_URL: broker.url,
    DATA_DIR: folder.path,
    TEMP_DIR: tempOf(workerId),
    OVERLAY_CONCURRENCY: '1',
    MEDIA_ATTEMPTS: '2',
    MEDIA_RETRY_FIRST_SECONDS: '0.1',
    DRAIN_SECONDS: '1',
    ...more,
  });
  const logger = createLogger({ service: 'overlay', level: 'info' }, { write: (line) => logged.push(line) });
  return startReplica(overlayService, { config, workerId, logger });
}

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('overlay');
  artifacts = await openArtifactFolder({ directory: join(folder.path, 'artifacts') });
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: join(folder.path, 'own'), maxProcesses: 1 });
  replica = await start('overlay.1');
});

afterAll(async () => {
  await replica.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

let count = 0;
const newId = (): string => `gen_${(count += 1).toString(16).padStart(32, '0')}`;

async function clipOf(durationSeconds: number, size = { width: 320, height: 480 }): Promise<Artifact> {
  const output = join(folder.path, `raw-${(count += 1)}.mp4`);
  await media.render({ output, seed: 3, label: '', durationSeconds, ...size }, context());
  return artifacts.put(output, { contentType: 'video/mp4' });
}

/** The event that ends the overlay: applied or failed. */
async function endOf(generationId: string): Promise<{ name: string; body: unknown }> {
  const reading = new AbortController();
  try {
    return await until(
      readEvents(replica.runtime.connection, generationId, { signal: reading.signal }),
      DEADLINE_MS,
      `the end of the overlay of ${generationId}`,
      ({ name }) => name === OverlayApplied.name || name === OverlayFailed.name,
    );
  } finally {
    reading.abort();
  }
}

async function apply(body: Omit<OverlayApplyBody, 'generationId' | 'attempt' | 'scene' | 'profile'>): Promise<string> {
  const generationId = newId();
  await replica.runtime.publish([message(OverlayApply, { generationId, attempt: 1, scene: 2, profile, ...body })]);
  return generationId;
}

const tempIsEmpty = (workerId: string): Promise<unknown> =>
  until(
    async () => (await filesUnder(tempOf(workerId))).length === 0,
    DEADLINE_MS,
    'an empty folder for temporary files',
  );

const overlay = {
  text: `It's 100%:\n%{pts} [a],;`,
  position: 'center',
  fontSizePt: 64,
  color: '#ffffff',
  animation: 'none',
  shadow: true,
} as const;

describe('the overlay service', () => {
  it('converts each clip to the video profile, and draws the text', async () => {
    const clip = await clipOf(1);
    const [withText, without] = await Promise.all(
      [
        { clip, durationSeconds: 2, overlay },
        { clip, durationSeconds: 2 },
      ].map(async (body) => OverlayApplied.schema.parse((await endOf(await apply(body))).body)),
    );
    expect(withText).toMatchObject({ scene: 2, attempt: 1, charges: [], clip: { contentType: 'video/quicktime' } });
    expect(withText?.clip.sha256).not.toBe(without?.clip.sha256);
    for (const made of [withText, without]) {
      if (made === undefined) throw new Error('no clip');
      await artifacts.withFile(made.clip, async (file) => {
        expect(await media.probe(file, context())).toMatchObject({
          durationSeconds: 2,
          video: { codec: 'h264', pixelFormat: 'yuv420p', ...profile },
          audio: { codec: 'pcm_s16le', sampleRate: 48_000, channels: 2 },
        });
      });
      expect(made.thumbnail).toMatchObject({ picture: { contentType: 'image/jpeg' } });
    }
    // The same command gives identical bytes, so it is stored as one file.
    const again = OverlayApplied.schema.parse((await endOf(await apply({ clip, durationSeconds: 2 }))).body);
    expect(again.clip.key).toBe(without?.clip.key);
    await tempIsEmpty('overlay.1');
  });

  it('draws text in every script, and fails for a character that no font has', async () => {
    const clip = await clipOf(1);
    const drawn = await apply({ clip, durationSeconds: 1, overlay: { ...overlay, text: 'Tea 日本 चाय شاي 🎉' } });
    expect(await endOf(drawn)).toMatchObject({ name: OverlayApplied.name });
    const { name, body } = await endOf(
      await apply({ clip, durationSeconds: 1, overlay: { ...overlay, text: 'Tea \u{10ffff}' } }),
    );
    expect(name).toBe(OverlayFailed.name);
    expect(OverlayFailed.schema.parse(body).failure).toMatchObject({
      code: 'TEXT_UNDRAWABLE',
      message: expect.stringContaining('U+10FFFF'),
      stage: 'overlay',
      scene: 2,
      retryable: false,
    });
  });

  it('makes the transitions to neighbours that are ready, and leaves the others to the stitcher', async () => {
    const clip = await clipOf(2);
    const first = OverlayApplied.schema.parse(
      (await endOf(await apply({ clip, durationSeconds: 1, handleFrames: 12 }))).body,
    );
    expect(first).toMatchObject({ handleFrames: 12 });
    expect(first).not.toHaveProperty('blends');
    const missing = { ...first.clip, key: `00/${'0'.repeat(64)}.mov`, sha256: '0'.repeat(64) };
    const generationId = await apply({
      ...{ clip, durationSeconds: 1, leadFrames: 12, handleFrames: 12 },
      blends: [
        { scene: 2, kind: 'wipe', neighbour: first.clip, earlierSeconds: 1 },
        { scene: 3, kind: 'zoom', neighbour: missing, earlierSeconds: 1 },
      ],
    });
    const { clip: scene, blends } = OverlayApplied.schema.parse((await endOf(generationId)).body);
    expect(blends).toMatchObject([{ scene: 2, blend: { kind: 'wipe', from: first.clip.key, to: scene.key } }]);
    const transition = blends?.[0]?.blend.clip;
    if (transition === undefined) throw new Error('no transition');
    await artifacts.withFile(transition, async (file) => {
      expect(await media.probe(file, context())).toMatchObject({ durationSeconds: 0.5, video: { ...profile } });
    });
    expect(logged.filter((line) => line.includes(generationId))).toHaveLength(1);
    await tempIsEmpty('overlay.1');
  });

  it('fails at once for a file that is not a clip, with stage and scene', async () => {
    const path = join(folder.path, 'words.mp4');
    await writeFile(path, 'these are words');
    const clip = await artifacts.put(path, { contentType: 'video/mp4' });
    const { name, body } = await endOf(await apply({ clip, durationSeconds: 2 }));
    expect(name).toBe(OverlayFailed.name);
    expect(OverlayFailed.schema.parse(body)).toMatchObject({
      scene: 2,
      failure: { code: 'MEDIA_INVALID', stage: 'overlay', scene: 2, retryable: false, charged: false },
    });
    await tempIsEmpty('overlay.1');
  });

  it('fails for a missing clip after its tries', async () => {
    const clip = await clipOf(1, { width: 64, height: 64 });
    await artifacts.remove(clip);
    const { name, body } = await endOf(await apply({ clip, durationSeconds: 2 }));
    expect(name).toBe(OverlayFailed.name);
    expect(OverlayFailed.schema.parse(body).failure).toMatchObject({ stage: 'overlay', scene: 2 });
  });

  it('stops at a cancel, and leaves no files', async () => {
    const clip = await clipOf(1);
    const generationId = await apply({ clip, durationSeconds: 600, overlay });
    const files = async (): Promise<boolean> =>
      (await filesUnder(tempOf('overlay.1'))).some((name) => name.endsWith('.mov'));
    await until(files, DEADLINE_MS, 'an overlay under way');
    const cancellations = await openCancellations(replica.runtime.connection);
    await cancellations.request(generationId);
    cancellations.close();
    await tempIsEmpty('overlay.1');
    await until(
      async () => (await readBacklog(replica.runtime.connection)).generations.size === 0,
      DEADLINE_MS,
      'no command left',
    );
  });

  it('returns unfinished commands when it stops, and another replica handles them', async () => {
    const clip = await clipOf(1);
    // Too long for the drain time of a replica.
    const generationId = await apply({ clip, durationSeconds: 60 });
    await until(
      async () => (await filesUnder(tempOf('overlay.1'))).some((name) => name.endsWith('.mov')),
      DEADLINE_MS,
      'an overlay under way',
    );
    const stopped = replica;
    replica = await start('overlay.2', { FFMPEG_PRESET: 'ultrafast' });
    await stopped.stop();
    await tempIsEmpty('overlay.1');
    const { name } = await endOf(generationId);
    expect(name).toBe(OverlayApplied.name);
  });
});
