import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 300_000;
let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  stack = await LocalStack.start({ env: { ...CHEAP_PICTURES, SPEECH_PROVIDER: 'espeak-ng' } });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
  await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.2 } });
});
afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
});

/** Integrated loudness and true peak of the video, dB. */
async function loudnessOf(id: string): Promise<{ integrated: number; truePeak: number }> {
  const file = join(stack.dataDir, `${id}.mp4`);
  await writeFile(file, await api.bytes(`/v1/generations/${id}/video`));
  const filter = 'ebur128=peak=true:metadata=1,ametadata=mode=print:file=-';
  const args = ['-v', 'error', '-i', file, '-map', '0:a:0', '-af', filter, '-f', 'null', '/dev/null'];
  const text = execFileSync('ffmpeg', args, { encoding: 'utf8', timeout: 120_000, maxBuffer: 64 * 1024 * 1024 });
  const last = (key: string): number => Number(text.slice(text.lastIndexOf(`${key}=`)).split(/[=\n]/u)[1]);
  return { integrated: last('r128.I'), truePeak: 20 * Math.log10(last('r128.true_peak')) };
}

describe('a video with a voice and music', () => {
  it('speaks its scripts at the loudness of a finished video, and costs what the providers charge', async () => {
    await sandbox.clearInvoice();
    const id = await api.create({
      prompt: 'Glim, a lamp that charges by sunlight, for students who read at night.',
      sceneCount: 3,
      durationSeconds: 12,
      aspectRatio: '1:1',
      music: { bed: 'warm' },
      voiceover: { speed: 1.1, script: 'Your room is dark. Glim shines all night. Order yours today.' },
    });
    const generation = await api.succeeded(id, MAKE_MS);
    expect(generation.plan?.scenes.map(({ script }) => script)).toEqual([
      'Your room is dark.',
      'Glim shines all night.',
      'Order yours today.',
    ]);
    const { integrated, truePeak } = await loudnessOf(id);
    expect(Math.abs(integrated + 14)).toBeLessThanOrEqual(1);
    expect(truePeak).toBeLessThanOrEqual(-1);
    const cost = await api.cost(id);
    expect(cost.totalUsd).toBeCloseTo((await sandbox.invoice()).totalUsd, 6);
    const names = (await api.events(id, MAKE_MS)).map(({ name }) => name);
    expect(names.filter((name) => name === 'speech.spoken')).toHaveLength(3);
    // Speech does not wait for the clips.
    expect(names.indexOf('speech.spoken')).toBeLessThan(names.indexOf('video.stitched'));
  });

  it('is made without a voice when nobody can speak its scripts, and says so', async () => {
    const id = await api.create({
      prompt: 'Glim, a lamp that charges by sunlight, without a word.',
      sceneCount: 3,
      durationSeconds: 9,
      aspectRatio: '1:1',
      voiceover: { voice: 'no-such-voice' },
    });
    const generation = await api.succeeded(id, MAKE_MS);
    expect(generation['incidents']).toEqual(
      expect.arrayContaining([expect.objectContaining({ kind: 'failed', stage: 'audio', scene: 0 })]),
    );
  });
});
