import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { HeldFfmpeg } from '../../src/ffmpeg/blocked.ffmpeg.js';
import { cleaned, ffmpegOf } from '../../src/stack/leftovers.js';
import { LocalStack } from '../../src/stack/local.stack.js';

const HANG_MS = 120_000;
const QUICK = { min: 0.1, max: 0.1 };
const request = (n: number): CreateGenerationInput => ({
  prompt: `Umbrella number ${n} that opens before the rain.`,
  sceneCount: 3,
  durationSeconds: 12,
  aspectRatio: '1:1',
});

let ffmpeg: HeldFfmpeg;
let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  ffmpeg = new HeldFfmpeg();
  // Retries wait longer than a test lasts.
  stack = await LocalStack.start({ env: { FFMPEG_PATH: ffmpeg.path, VIDEO_RETRY_FIRST_SECONDS: '3600' } });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
  ffmpeg.remove();
});

const running = async (): Promise<string[]> =>
  (await sandbox.invoice()).predictions
    .filter(({ status }) => status === 'starting' || status === 'processing')
    .map(({ id, status }) => `prediction ${id} is ${status}`);
const seen = (what: string, look: () => Promise<boolean> | boolean): Promise<true> =>
  eventually(what, HANG_MS, async () => ((await look()) ? true : undefined));

/** Checks that nothing runs for the generation here or at the provider, and that ledger and invoice agree. */
async function stopped(id: string): Promise<void> {
  await seen('the end of all that runs', async () => (await running()).length + ffmpegOf(stack).length === 0);
  expect((await api.ended(id, HANG_MS)).status).toBe('canceled');
  const { totalUsd } = await sandbox.invoice();
  await seen('the ledger to agree', async () => (await api.cost(id)).totalUsd === totalUsd);
  expect(await cleaned(stack)).toEqual([]);
}

/** Work that runs until it is canceled, and how to detect that it has begun. */
const MOMENTS: readonly [string, object, 'overlay' | 'join' | undefined, (id: string) => Promise<boolean> | boolean][] =
  [
    ['at once', { clipSeconds: QUICK, hold: [0, 1, 2] }, undefined, () => true],
    ['while it is planned', { planSeconds: 3600 }, undefined, async (id) => (await api.read(id)).status === 'planning'],
    [
      'while its clips wait in the queue',
      { queueSeconds: 3600 },
      undefined,
      async () => (await running()).length === 3,
    ],
    [
      'while its clips are generated',
      { clipSeconds: QUICK, hold: [0, 1, 2] },
      undefined,
      async () => (await running()).length === 3,
    ],
    [
      'while one clip is generated and others are overlaid',
      { clipSeconds: QUICK, hold: [2] },
      'overlay',
      () => ffmpegOf(stack).length > 0,
    ],
    ['while it is overlaid', { clipSeconds: QUICK }, 'overlay', () => ffmpegOf(stack).length > 0],
    ['while it is joined', { clipSeconds: QUICK }, 'join', () => ffmpeg.waits('join')],
  ];

describe('a cancel', () => {
  it.each(MOMENTS)('%s stops what runs, here and at the provider', async (name, scenario, held, begun) => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ ...scenario });
    if (held !== undefined) ffmpeg.hold(held);
    try {
      const id = await api.create(request(MOMENTS.findIndex(([moment]) => moment === name)));
      await seen(`the moment: ${name}`, () => begun(id));
      expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
      await stopped(id);
    } finally {
      ffmpeg.release();
    }
  });

  it('reaches a purchase with a lost reply while its command waits for the next try', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: QUICK, hold: [0, 1, 2], loseReplies: 1 });
    const id = await api.create(request(100));
    await seen('three purchases without a reply', async () => (await running()).length === 3);
    // All three commands wait an hour for their next try, so no handler runs.
    await seen('three retries', () => {
      const lines = stack.log('clip-generator.1').filter((line) => line.includes(id) && line.includes('"delayMs"'));
      return lines.length >= 3;
    });
    await api.post(`/v1/generations/${id}/cancel`, {});
    await stopped(id);
  });

  it('can be repeated, and is refused for a finished generation', async () => {
    await sandbox.scenario({ clipSeconds: QUICK, hold: [0, 1, 2] });
    const id = await api.create(request(200));
    for (let times = 0; times < 2; times += 1)
      expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
    await api.ended(id, HANG_MS);
    expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
    await sandbox.scenario({ clipSeconds: QUICK });
    const made = await api.create(request(201));
    await api.succeeded(made, HANG_MS);
    expect((await api.post(`/v1/generations/${made}/cancel`, {})).status).toBe(409);
  });
});
