import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { pngOf } from '@clipmesh/testing';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { frameAt } from '../../src/ffmpeg/frames.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
const SCENES = 3;
const request: CreateGenerationInput = {
  prompt: 'A pair of gloves that finds the other one.',
  sceneCount: SCENES,
  durationSeconds: SCENES * 3,
  aspectRatio: '1:1',
  overlays: false,
  cache: true,
};

let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  stack = await LocalStack.start({
    args: ['--scale', 'clip-generator=2', '--scale', 'planner=2'],
    env: { ...CHEAP_PICTURES, ALLOW_PRIVATE_URLS: 'true', ACK_WAIT_SECONDS: '3', CLIP_CONCURRENCY: '6' },
  });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
});

/** The total of the ledger, when it has every charge of the invoice, in micro-dollars. */
async function ledgerTotal(...ids: string[]): Promise<number> {
  return eventually('a ledger that equals the invoice', 120_000, async () => {
    const costs = await Promise.all(ids.map((id) => api.cost(id)));
    const micros = Math.round(costs.reduce((sum, { totalUsd }) => sum + totalUsd, 0) * 1e6);
    return micros === Math.round((await sandbox.invoice()).totalUsd * 1e6) ? micros : undefined;
  });
}

const twins = (change: Partial<CreateGenerationInput>): Promise<string[]> =>
  Promise.all([1, 2].map(() => api.create({ ...request, ...change })));

describe('repeated requests', () => {
  it('are bought once when they are sent at once, and not again later', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 3, max: 3 } });
    const ids = await twins({});
    const made = await Promise.all(ids.map((id) => api.succeeded(id, MAKE_MS)));
    const invoice = await sandbox.invoice();
    expect(invoice.predictions).toHaveLength(SCENES);
    expect(invoice.completions).toHaveLength(1);
    const bought = invoice.predictions.map(({ id }) => id).sort();
    for (const { scenes } of made) expect(scenes.map(({ predictionId }) => predictionId).sort()).toEqual(bought);
    // One scene of each pair was bought.
    expect(made.flatMap(({ scenes }) => scenes.map(({ cached }) => cached)).filter(Boolean)).toHaveLength(SCENES);
    expect(await ledgerTotal(...ids)).toBeGreaterThan(0);

    const id = await api.create(request);
    const later = await api.succeeded(id, MAKE_MS);
    expect(later.scenes.map(({ cached }) => cached)).toEqual(Array<boolean>(SCENES).fill(true));
    expect(later.costUsd).toBe(0);
    expect(later.result?.sha256).toBe(made[0]?.result?.sha256);
    expect(await sandbox.invoice()).toEqual(invoice);
    // The report has no work of the provider: no prediction is on its critical path.
    const { criticalPath } = (await api.performance(id)) as { criticalPath?: { name: string }[] };
    expect(criticalPath?.filter(({ name }) => name.startsWith('predict '))).toEqual([]);
  });

  it('are bought again, and differ, without the cache', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.2 } });
    const id = await api.create({ ...request, cache: false });
    const { scenes, plan } = await api.succeeded(id, MAKE_MS);
    expect(scenes.some(({ cached }) => cached)).toBe(false);
    const { predictions, completions } = await sandbox.invoice();
    expect(predictions).toHaveLength(SCENES);
    expect(completions).toHaveLength(1);
    await ledgerTotal(id);
    const again = await api.succeeded(await api.create({ ...request, cache: false }), MAKE_MS);
    expect(again.plan?.seed).not.toBe(plan?.seed);
  });

  it('are bought once although the buying replica is killed', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 5, max: 5 } });
    const ids = await twins({ prompt: 'A pair of skis that knows the way down.' });
    await eventually('all clips in flight', 120_000, async () =>
      (await sandbox.invoice()).predictions.length === SCENES ? true : undefined,
    );
    process.kill(stack.pids().get('clip-generator.1') ?? 0, 'SIGKILL');
    const made = await Promise.all(ids.map((id) => api.succeeded(id, MAKE_MS)));
    const { predictions } = await sandbox.invoice();
    expect(predictions).toHaveLength(SCENES);
    expect(predictions.every(({ status }) => status === 'succeeded')).toBe(true);
    const bought = predictions.map(({ id }) => id).sort();
    for (const { scenes } of made) expect(scenes.map(({ predictionId }) => predictionId).sort()).toEqual(bought);
    await ledgerTotal(...ids);
  });

  it('are bought by the waiting generation when the buying one is canceled', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 6, max: 6 } });
    const prompt = 'A pair of scissors that cuts only on the line.';
    const first = await api.create({ ...request, prompt });
    await eventually('all clips in flight', 120_000, async () =>
      (await sandbox.invoice()).predictions.length === SCENES ? true : undefined,
    );
    const second = await api.create({ ...request, prompt });
    await eventually('a second generation that waits', 120_000, async () =>
      (await api.read(second)).status === 'generating' ? true : undefined,
    );
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.2 } });
    expect((await api.post(`/v1/generations/${first}/cancel`, {})).status).toBe(202);
    const made = await api.succeeded(second, MAKE_MS);
    expect(made.scenes.some(({ cached }) => cached)).toBe(false);
    const { predictions } = await sandbox.invoice();
    expect(predictions.map(({ status }) => status).sort()).toEqual([
      ...Array<string>(SCENES).fill('canceled'),
      ...Array<string>(SCENES).fill('succeeded'),
    ]);
    await ledgerTotal(first, second);
  });
});

describe('videos with a reference image', () => {
  const prompt = 'A pair of lamps that leans toward the reader.';
  const make = async (referenceImage: CreateGenerationInput['referenceImage']) => {
    const id = await api.create({ ...request, prompt, ...(referenceImage === undefined ? {} : { referenceImage }) });
    const made = await api.succeeded(id, MAKE_MS);
    return { ...made, bought: made.scenes.filter(({ cached }) => !cached).length };
  };
  /** A picture with one brightness above and one below. */
  const picture = (above: number, below: number): Buffer => pngOf(480, 480, (_x, y) => (y < 240 ? above : below));
  const dataOf = (bytes: Buffer) => ({ data: `data:image/png;base64,${bytes.toString('base64')}` });

  it('show it in every scene, and are bought once for the same image from any source', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.2 } });
    const first = await make(dataOf(picture(10, 245)));
    expect(first.bought).toBe(SCENES);
    // At most one upload per buying replica.
    expect(await sandbox.uploads()).toBeLessThanOrEqual(2);
    const file = join(stack.dataDir, 'pictured.mp4');
    await writeFile(file, await api.bytes(`/v1/generations/${first.id}/video`));
    for (let scene = 0; scene < SCENES; scene += 1) {
      const { luma } = await frameAt(file, scene * 3 + 1.5, 1, 8);
      // The moving shape covers some of the rows.
      expect(Math.min(...luma.subarray(0, 4))).toBeLessThan(60);
      expect(Math.max(...luma.subarray(4))).toBeGreaterThan(200);
    }

    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((incoming, response) => {
      seen.push(incoming.headers);
      response.end(picture(10, 245));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      expect((await make({ url: `http://127.0.0.1:${port}/lamp.png` })).bought).toBe(0);
    } finally {
      server.closeAllConnections();
      server.close();
    }
    // The image is fetched once, without a traceparent.
    expect(seen.map(({ traceparent }) => traceparent)).toEqual([undefined]);

    const other = await make(dataOf(picture(245, 10)));
    expect(other.bought).toBe(SCENES);
    const plain = await make(undefined);
    expect(plain.bought).toBe(SCENES);
    expect((await sandbox.invoice()).predictions).toHaveLength(3 * SCENES);
    await ledgerTotal(first.id, other.id, plain.id);
  });
});
