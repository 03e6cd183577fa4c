import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { ApiClient, SandboxClient } from '../src/api.client.js';
import { eventually } from '../src/eventually.js';
import { cleaned, ffmpegOf } from '../src/leftovers.js';
import { LocalStack } from '../src/local.stack.js';

/** Everything a cancel has to stop is stopped within this time, ms. */
const STOPPED_MS = 1000;
/** After how long the generation is canceled, ms: while it plans, buys, draws, joins. */
const MOMENTS = [0, 60, 250, 500, 900, 1400, 2000, 2600, 3300];
const request = (n: number): CreateGenerationInput => ({
  prompt: `Umbrella number ${n} that opens before the rain.`,
  sceneCount: 3,
  durationSeconds: 12,
  aspectRatio: '1:1',
});

let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  stack = await LocalStack.start({ env: { FFMPEG_PRESET: 'slow', VIDEO_RETRY_FIRST_SECONDS: '20' } });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});

afterAll(async () => {
  // Whatever beforeAll did not come to: what it did must still be put away.
  await (stack as LocalStack | undefined)?.stop();
});

const running = async (): Promise<string[]> =>
  (await sandbox.invoice()).predictions
    .filter(({ status }) => status === 'starting' || status === 'processing')
    .map(({ id, status }) => `prediction ${id} is ${status}`);

/** What still runs of anything; nothing within the time that a cancel may take. */
async function stopped(): Promise<string[]> {
  let left: string[] = [];
  await eventually('a stop', STOPPED_MS, async () => {
    left = [...(await running()), ...ffmpegOf(stack)];
    return left.length === 0 ? left : undefined;
  }).catch(() => undefined);
  return left;
}

/** Ledger and invoice agree, for the generation alone. */
async function settled(id: string): Promise<void> {
  const { totalUsd } = await sandbox.invoice();
  let booked = -1;
  await eventually('the ledger to agree', 15_000, async () => {
    booked = (await api.cost(id)).totalUsd;
    return booked === totalUsd ? true : undefined;
  }).catch(() => undefined);
  expect(booked).toBe(totalUsd);
}

describe('a cancel', () => {
  it.each(MOMENTS)('%i ms after the start stops what runs, here and at the provider', async (moment) => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.5, max: 2.5 }, planSeconds: 0.2 });
    const id = await api.create(request(moment));
    await sleep(moment);
    const answer = await api.post(`/v1/generations/${id}/cancel`, {});
    expect(answer.status).toBe(202);
    expect(await stopped()).toEqual([]);
    const { status } = await api.ended(id, 5000);
    expect(status).toBe('canceled');
    await settled(id);
    expect(await cleaned(stack)).toEqual([]);
  });

  it('reaches a purchase whose reply was lost while its command waits for the next try', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 30, max: 30 }, loseReplies: 1 });
    const id = await api.create(request(100));
    await eventually('three purchases without a reply', 20_000, async () =>
      (await running()).length === 3 ? true : undefined,
    );
    // All three commands wait 20 s for their next try: no handler runs.
    await eventually('the retries are told', 20_000, async () => {
      const { scenes } = await api.read(id);
      return scenes.length === 3 ? true : undefined;
    });
    await api.post(`/v1/generations/${id}/cancel`, {});
    expect(await stopped()).toEqual([]);
    await settled(id);
  });

  it('twice is one cancel; of a finished generation it is refused', async () => {
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.2 } });
    const id = await api.create(request(200));
    expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
    await api.ended(id, 5000);
    expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
    const made = await api.create(request(201));
    await api.succeeded(made, 60_000);
    expect((await api.post(`/v1/generations/${made}/cancel`, {})).status).toBe(409);
  });
});
