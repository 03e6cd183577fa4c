import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput, type PlanEdit, planSchema } from '@clipmesh/contracts';
import { openReceiver, type WebhookReceiver } from '@clipmesh/testing';
import { ApiClient, type Generation, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { probe } from '../../src/ffmpeg/frames.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
const request: CreateGenerationInput = {
  prompt: 'A pencil that knows when to stop.',
  sceneCount: 3,
  durationSeconds: 12,
  aspectRatio: '1:1',
  mode: 'review',
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

async function waiting(): Promise<Generation> {
  await sandbox.clearInvoice();
  const id = await api.create({ ...request, webhookUrl: receiver.url });
  return eventually('a plan that waits', MAKE_MS, async () => {
    const generation = await api.read(id);
    return generation.status === 'awaiting_approval' ? generation : undefined;
  });
}

/** Waits until the webhook has received exactly these events, each at least once, in any order. */
async function delivered(id: string, ...types: string[]): Promise<void> {
  const of = (): Set<string> =>
    new Set(
      deliveries()
        .filter(({ data }) => data.id === id)
        .map(({ type }) => type),
    );
  await eventually('the webhook', 120_000, () => (of().size >= types.length ? true : undefined));
  expect([...of()].sort()).toEqual(types.toSorted());
}

describe('plan review', () => {
  it('makes the changed plan after its approval, although planner and gateway were killed in between', async () => {
    const { id, traceId, plan } = await waiting();
    const bought = await sandbox.invoice();
    expect([bought.completions.length, bought.predictions.length]).toEqual([1, 0]);
    for (const [name, pid] of stack.pids()) if (/^(planner|gateway)/.test(name)) process.kill(pid, 'SIGKILL');
    await eventually('a gateway', 120_000, () => api.read(id).catch(() => undefined));

    const edit: PlanEdit = {
      scenes: [
        { index: 0, durationSeconds: 3, overlay: { text: 'Sharp & ready' } },
        { index: 2, overlay: null },
      ],
    };
    const answer = await api.call(`/v1/generations/${id}/plan`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(edit),
    });
    expect(answer.status).toBe(200);
    const changed = planSchema.parse(await answer.json());
    expect(changed.durationSeconds).toBe(12 - ((plan?.scenes[0]?.durationSeconds ?? 0) - 3));
    expect((await api.post(`/v1/generations/${id}/approve`, {})).status).toBe(202);

    const made = await api.succeeded(id, MAKE_MS);
    expect(made.plan).toEqual(changed);
    const file = join(stack.dataDir, 'reviewed.mp4');
    await writeFile(file, await api.bytes(`/v1/generations/${id}/video`));
    expect(Math.abs((await probe(file)).durationSeconds - changed.durationSeconds)).toBeLessThan(0.2);
    const captions = (await api.bytes(`/v1/generations/${id}/captions.vtt`)).toString();
    expect(captions).toContain('1\n00:00.000 --> 00:03.000\nSharp &amp; ready\n');
    expect(captions.match(/-->/g)).toHaveLength(2);

    const { predictions, completions, totalUsd } = await sandbox.invoice();
    expect([completions.length, predictions.length]).toEqual([1, 3]);
    await eventually('the ledger', 120_000, async () =>
      (await api.cost(id)).totalUsd === totalUsd ? true : undefined,
    );
    // The report does not include the time of the review.
    expect(made.traceId).not.toBe(traceId);
    const report = await eventually(
      'its report',
      120_000,
      async () => (await api.read(id))['performance'] ?? undefined,
    );
    expect(report).toMatchObject({ complete: true });
    await delivered(id, 'generation.awaiting_approval', 'generation.succeeded');
    expect(await api.performance(id)).toMatchObject({
      stages: expect.arrayContaining([expect.objectContaining({ stage: 'clip', count: 3 })]),
    });
  });

  it('buys no clip when it is canceled instead', async () => {
    const { id } = await waiting();
    expect((await api.post(`/v1/generations/${id}/cancel`, {})).status).toBe(202);
    expect((await api.ended(id, MAKE_MS)).status).toBe('canceled');
    expect((await api.post(`/v1/generations/${id}/approve`, {})).status).toBe(409);
    expect((await sandbox.invoice()).predictions).toEqual([]);
    await delivered(id, 'generation.awaiting_approval', 'generation.canceled');
  });
});

describe('a scene of a finished video', () => {
  it('is regenerated alone; a new text costs nothing', async () => {
    await sandbox.clearInvoice();
    const { mode: _reviewed, ...plain } = request;
    const id = await api.create(plain);
    const first = await api.succeeded(id, MAKE_MS);
    const regenerate = async (body: object): Promise<Generation> => {
      expect((await api.post(`/v1/generations/${id}/scenes/1/regenerate`, body)).status).toBe(202);
      return api.succeeded(id, MAKE_MS);
    };
    const bought = ({ scenes }: Generation): unknown[] => scenes.map(({ predictionId }) => predictionId);

    const second = await regenerate({ description: 'A pencil at rest', overlay: { text: 'At rest' } });
    expect(second).toMatchObject({ run: 2 });
    expect(bought(second).map((one, scene) => one === bought(first)[scene])).toEqual([true, false, true]);
    expect(second.result?.sha256).not.toBe(first.result?.sha256);
    const third = await regenerate({ overlay: { text: 'Resting' } });
    expect(bought(third)).toEqual(bought(second));
    expect(third.result?.sha256).not.toBe(second.result?.sha256);
    const video = await api.bytes(`/v1/generations/${id}/video`);
    expect(video).toHaveLength(third.result?.bytes ?? 0);

    const { predictions, completions, totalUsd } = await sandbox.invoice();
    expect([completions.length, predictions.length]).toEqual([1, 4]);
    await eventually('the ledger', 120_000, async () =>
      (await api.cost(id)).totalUsd === totalUsd ? true : undefined,
    );
    const names = (await api.events(id, 120_000)).map(({ name }) => name);
    expect(names.filter((name) => name === 'scene.reopened' || name === 'generation.succeeded')).toEqual([
      'generation.succeeded',
      ...['scene.reopened', 'generation.succeeded'],
      ...['scene.reopened', 'generation.succeeded'],
    ]);
  });
});
