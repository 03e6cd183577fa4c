import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput, type PlanEdit } from '@clipmesh/contracts';
import { openReceiver, type WebhookReceiver } from '@clipmesh/testing';
import { ApiClient, type Generation, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { probe } from '../../src/ffmpeg/frames.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 300_000;
const request: CreateGenerationInput = {
  prompt: 'A pencil that knows when to stop.',
  sceneCount: 3,
  durationSeconds: 12,
  aspectRatio: '1:1',
  mode: 'draft',
};

let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;
let receiver: WebhookReceiver;
/** Deliveries to the webhook. */
const deliveries = (): { type: string; data: Generation }[] =>
  receiver.calls.map(({ body }) => JSON.parse(body) as { type: string; data: Generation });

beforeAll(async () => {
  receiver = await openReceiver();
  stack = await LocalStack.start({ env: { ...CHEAP_PICTURES, ALLOW_PRIVATE_URLS: 'true' } });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
  await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.2 } });
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
  await (receiver as WebhookReceiver | undefined)?.close();
});

const drafted = (id: string, run: number): Promise<Generation> =>
  eventually(`draft ${run}`, MAKE_MS, async () => {
    const generation = await api.read(id);
    if (generation.status === 'failed') throw new Error(JSON.stringify(generation.error));
    return generation.status === 'awaiting_approval' && generation['run'] === run ? generation : undefined;
  });
/** Number of clips and plans that were bought. */
async function bought(): Promise<{ clips: number; plans: number }> {
  const { predictions, completions } = await sandbox.invoice();
  return { clips: predictions.length, plans: completions.length };
}
async function secondsOf(id: string, name: string): Promise<number> {
  const file = join(stack.dataDir, name);
  await writeFile(file, await api.bytes(`/v1/generations/${id}/video`));
  return (await probe(file)).durationSeconds;
}

describe('a draft', () => {
  it('is a whole video for the price of its plan; edits change it for free, and an approval buys its clips', async () => {
    await sandbox.clearInvoice();
    const id = await api.create({ ...request, webhookUrl: receiver.url });
    const first = await drafted(id, 1);
    expect(first).toMatchObject({ draft: true, progress: 100, result: { draft: true } });
    expect(first.scenes.map(({ predictionId }) => predictionId)).toEqual([undefined, undefined, undefined]);
    expect(Math.abs((await secondsOf(id, 'first.mp4')) - 12)).toBeLessThan(0.2);
    expect(await bought()).toEqual({ clips: 0, plans: 1 });
    expect(await api.performance(id)).toMatchObject({ outcome: 'awaiting_approval', traceId: first.traceId });

    const edit: PlanEdit = {
      scenes: [
        { index: 0, overlay: { text: 'Sharp & ready' } },
        { index: 1, description: 'A pencil at rest', durationSeconds: 3 },
      ],
    };
    const answer = await api.call(`/v1/generations/${id}/plan`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(edit),
    });
    expect(answer.status).toBe(200);
    const second = await drafted(id, 2);
    const seconds = second.plan?.durationSeconds ?? 0;
    expect(second.traceId).not.toBe(first.traceId);
    expect(second.result?.sha256).not.toBe(first.result?.sha256);
    expect(Math.abs((await secondsOf(id, 'second.mp4')) - seconds)).toBeLessThan(0.2);
    expect(await bought()).toEqual({ clips: 0, plans: 1 });
    const planUsd = (await sandbox.invoice()).totalUsd;
    await eventually('the ledger', 120_000, async () => ((await api.cost(id)).totalUsd === planUsd ? true : undefined));

    expect((await api.post(`/v1/generations/${id}/approve`, {})).status).toBe(202);
    // The draft can be watched until the video is there.
    expect((await api.call(`/v1/generations/${id}/video`)).status).toBe(200);
    const made = await api.succeeded(id, MAKE_MS);
    expect(made).toMatchObject({ run: 3, plan: second.plan });
    expect(made['draft']).toBeUndefined();
    expect(made.result).not.toHaveProperty('draft');
    expect(made.result?.sha256).not.toBe(second.result?.sha256);
    expect(made.traceId).not.toBe(second.traceId);
    expect(Math.abs((await secondsOf(id, 'made.mp4')) - seconds)).toBeLessThan(0.2);

    const { totalUsd, predictions } = await sandbox.invoice();
    expect(await bought()).toEqual({ clips: 3, plans: 1 });
    expect(new Set(made.scenes.map(({ predictionId }) => predictionId))).toEqual(
      new Set(predictions.map(({ id: prediction }) => prediction)),
    );
    await eventually('the ledger', 120_000, async () =>
      (await api.cost(id)).totalUsd === totalUsd ? true : undefined,
    );
    const estimate = second['estimate'] as { lowUsd: number; highUsd: number }[];
    const sum = (part: 'lowUsd' | 'highUsd'): number => estimate.reduce((total, scene) => total + scene[part], 0);
    expect(totalUsd - planUsd).toBeGreaterThanOrEqual(sum('lowUsd') - 1e-9);
    expect(totalUsd - planUsd).toBeLessThanOrEqual(sum('highUsd') + 1e-9);

    const types = (): string[] =>
      deliveries()
        .filter(({ data }) => data.id === id)
        .map(({ type }) => type);
    await eventually('the webhooks', 120_000, () => (types().includes('generation.succeeded') ? true : undefined));
    expect(types().filter((type) => type === 'generation.awaiting_approval').length).toBeGreaterThanOrEqual(2);
    expect((await api.post(`/v1/generations/${id}/approve`, {})).status).toBe(202);
    expect(await bought()).toEqual({ clips: 3, plans: 1 });
  });

  it('loses nothing when the clip generator is killed in the middle of it, and can be canceled', async () => {
    await sandbox.clearInvoice();
    const id = await api.create(request);
    await eventually('a clip that is being drawn', MAKE_MS, async () =>
      (await api.read(id)).scenes.some(({ status }) => status === 'generating') ? true : undefined,
    );
    for (const [name, pid] of stack.pids()) if (name.startsWith('clip-generator')) process.kill(pid, 'SIGKILL');
    expect(await drafted(id, 1)).toMatchObject({ result: { draft: true, durationSeconds: 12 } });
    expect(await bought()).toEqual({ clips: 0, plans: 1 });

    expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
    expect((await api.ended(id, MAKE_MS)).status).toBe('canceled');
    expect((await api.post(`/v1/generations/${id}/approve`, {})).status).toBe(409);
    expect(await bought()).toEqual({ clips: 0, plans: 1 });
  });
});
