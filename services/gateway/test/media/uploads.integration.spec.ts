import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, leakCheck, pngOf, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { problem, startGateway, type TestGateway } from '../gateway.harness.js';
import { MUTE_MP4 } from '../tiny.media.js';

/** Timeout of a hanging test, ms. */
const DEADLINE_MS = 120_000;
const RATE = 8000;
const leaks = leakCheck();
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-uploads');
  gateway = await startGateway(broker, folder.path);
}, DEADLINE_MS);

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
}, DEADLINE_MS);

/** A WAV with a tone, mono, 16 bits. */
function wavOf(seconds: number): Buffer {
  const samples = Buffer.alloc(seconds * RATE * 2);
  for (let at = 0; at < samples.length; at += 2) samples.writeInt16LE(Math.round(8000 * Math.sin(at / 5)), at);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  for (const [at, value] of [
    [16, 16],
    [24, RATE],
    [28, RATE * 2],
    [40, samples.length],
  ] as const)
    head.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    head.writeUInt16LE(value, at);
  head.write('data', 36);
  return Buffer.concat([head, samples]);
}
const music = (bytes: Buffer, type = 'audio/wav') => ({
  music: { data: `data:${type};base64,${bytes.toString('base64')}` },
});
/** Number of stored files and generations. */
const stored = async (): Promise<number> => {
  const files = await readdir(join(folder.path, 'artifacts'), { recursive: true });
  const { generations } = (await (await gateway.call('/v1/generations')).json()) as { generations: unknown[] };
  return files.filter((name) => /\.[a-z0-9]+$/.test(name)).length + generations.length;
};

describe('music', () => {
  it.each([
    ['audio/wav', 'audio/wav'],
    ['audio/wav;codecs=1', 'audio/wav'],
    ['Audio/WAV;codecs="1, 2"', 'audio/wav'],
  ])('of type %s is stored as %s', async (type, contentType) => {
    const response = await gateway.create(music(wavOf(1), type));
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: string };
    const record = await gateway.stores.generations.get(id);
    expect(record?.value.state.job.music).toMatchObject({ artifact: { contentType }, volume: 0.3 });
  });

  it.each<[string, Buffer, string]>([
    ['a video without sound', MUTE_MP4, 'it has no audio stream, only video'],
    ['no length', wavOf(0), 'it lasts 0 s; at least 0.5 s are needed'],
    ['a moment', wavOf(0.25), 'it lasts 0.25 s; at least 0.5 s are needed'],
    ['an image', pngOf(300, 300), 'it is not a media file that ffmpeg can read'],
    ['text', Buffer.from('RIFF____WAVE and no more'), 'it is not a media file that ffmpeg can read'],
    ['a page', Buffer.from('<!DOCTYPE html><html></html>'), 'it is not a media file that ffmpeg can read'],
  ])('of %s is rejected before anything is stored or charged', async (_name, bytes, message) => {
    const before = await stored();
    const key = { 'idempotency-key': `music-${message.length}-${bytes.length}` };
    const response = await gateway.create(music(bytes), key);
    expect(response.status).toBe(422);
    expect(await problem(response)).toMatchObject({
      code: 'MUSIC_INVALID',
      detail: `music.data: ${message}`,
      retryable: false,
      errors: [{ field: 'music.data', message }],
    });
    expect(await stored()).toBe(before);
    // The key is not used up.
    expect((await gateway.create(music(wavOf(1)), key)).status).toBe(202);
  });
});

describe('a reference image', () => {
  const image = (bytes: Buffer) => ({ referenceImage: { data: `data:image/png;base64,${bytes.toString('base64')}` } });
  it('with a valid header is rejected when it cannot be decoded', async () => {
    const png = pngOf(400, 400);
    const start = png.indexOf('IDAT') + 12;
    const damaged = Buffer.from(png).fill(0x11, start, png.indexOf('IEND') - 8);
    const before = await stored();
    const response = await gateway.create(image(damaged));
    expect(response.status).toBe(422);
    expect(await problem(response)).toMatchObject({
      code: 'REFERENCE_IMAGE_INVALID',
      errors: [{ field: 'referenceImage.data', message: expect.stringMatching(/decode/) }],
    });
    expect(await stored()).toBe(before);
    expect((await gateway.create(image(png))).status).toBe(202);
  });
});

it('a check leaves no temporary files', async () => {
  const left = await readdir(join(folder.path, 'tmp'), { recursive: true });
  expect(left.filter((name) => name.includes('work-'))).toEqual([]);
});
