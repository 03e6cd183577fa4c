import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pngOf, type Sandbox, startSandbox, until } from '@clipmesh/testing';
import {
  type ClipProvider,
  type ClipRequest,
  createFalProvider,
  loadModels,
  type PredictionState,
} from '../src/index.js';

const MODEL = 'fal-ai/veo3.1/fast';
const request: ClipRequest = {
  model: MODEL,
  prompt: 'a cup',
  durationSeconds: 4,
  aspectRatio: '9:16',
  seed: 7,
  attemptKey: 'k1',
};
const never = new AbortController().signal;
const FAST = { clipSeconds: { min: 0.02, max: 0.05 } };
const DEADLINE_MS = 120_000;
const models = await loadModels();
let opened: { close(): Promise<void> }[] = [];
const providerAt = (baseUrl: string, callTimeoutMs = 30_000): ClipProvider => {
  const provider = createFalProvider({
    key: 'id:secret',
    models,
    baseUrl,
    pollIntervalMs: 100,
    pollLogIntervalMs: 1000,
    downloadTimeoutMs: DEADLINE_MS,
    downloadIdleTimeoutMs: DEADLINE_MS,
    callTimeoutMs,
    createsPerMinute: 6000,
    callsPerMinute: 6000,
    createSlotMs: 1000,
    startTimeoutMs: 600_000,
    breaker: { failures: 5, openMs: 30_000 },
    readFile: () => Promise.resolve(pngOf(300, 300)),
  });
  opened.push(provider);
  return provider;
};
afterEach(async () => {
  await Promise.all(opened.map((each) => each.close()));
  opened = [];
});

describe('fal, played by the sandbox', () => {
  let sandbox: Sandbox;
  let provider: ClipProvider;
  beforeAll(async () => {
    sandbox = await startSandbox();
  }, DEADLINE_MS);
  afterAll(() => sandbox.stop());
  beforeEach(async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario(FAST);
    provider = providerAt(`${sandbox.url}/fal`);
  });
  const wait = ({ id }: PredictionState): Promise<PredictionState> =>
    provider.wait({ id, model: MODEL }, { signal: never, timeoutMs: DEADLINE_MS });
  const run = async (more: Partial<ClipRequest> = {}): Promise<PredictionState> =>
    wait(await provider.submit({ ...request, ...more }, never));
  const charged = async (): Promise<unknown> => {
    const { predictions } = await sandbox.invoice();
    return predictions.map(({ provider: name, status, amountUsd }) => [name, status, amountUsd]);
  };

  it('makes a clip', async () => {
    const done = await run();
    expect(done).toMatchObject({
      model: MODEL,
      status: 'succeeded',
      startedAt: expect.any(String),
      completedAt: expect.any(String),
    });
    const folder = mkdtempSync(join(tmpdir(), 'fal-'));
    const file = join(folder, 'clip.mp4');
    await provider.download(done.outputUrl ?? '', file, never);
    expect(readFileSync(file).subarray(4, 8).toString()).toBe('ftyp');
    rmSync(folder, { recursive: true });
    expect(await charged()).toEqual([['fal', 'succeeded', 0.6]]);
    expect((await sandbox.invoice()).predictions[0]).toMatchObject({ model: MODEL });
  });

  it('makes a clip from an image, at the endpoint for images', async () => {
    const image = { key: 'a/b.png', sha256: 'a'.repeat(64), bytes: 9, contentType: 'image/png' } as const;
    expect(await run({ referenceImage: image, clipSound: false })).toMatchObject({ status: 'succeeded' });
    const [line] = (await sandbox.invoice()).predictions;
    expect([line?.model, line?.amountUsd]).toEqual([`${MODEL}/image-to-video`, 0.4]);
  });

  it('says where a request is in the queue, and cancels it without a charge', async () => {
    await sandbox.scenario({ ...FAST, queueSeconds: 600 });
    const first = await provider.submit(request, never);
    const second = await provider.submit(request, never);
    expect([first, second]).toMatchObject([
      { status: 'starting', queuePosition: 0 },
      { status: 'starting', queuePosition: 1 },
    ]);
    const operation = { id: second.id, model: MODEL };
    expect(await provider.cancel(operation)).toEqual({ ...operation, status: 'canceled' });
    // Once more, as after a lost answer.
    const again = await provider.cancel(operation);
    expect([again.status, again.startedAt]).toEqual(['canceled', undefined]);
    await provider.cancel({ id: first.id, model: MODEL });
    expect(await charged()).toEqual([
      ['fal', 'aborted', 0],
      ['fal', 'aborted', 0],
    ]);
  });

  it('cancels a run, which is charged', async () => {
    await sandbox.scenario({ ...FAST, hold: [0] });
    const { id } = await provider.submit(request, never);
    const operation = { id, model: MODEL };
    await until(
      async () => (await provider.get(operation, never)).status === 'processing',
      DEADLINE_MS,
      'the start of the run',
    );
    expect(await provider.cancel(operation)).toMatchObject({ status: 'canceled', startedAt: expect.any(String) });
    expect(await charged()).toEqual([['fal', 'canceled', 0.6]]);
  });

  it('returns the result when a cancel comes too late', async () => {
    const { id } = await run();
    expect(await provider.cancel({ id, model: MODEL })).toMatchObject({ status: 'succeeded' });
    await expect(provider.cancel({ id: 'nothing', model: MODEL })).rejects.toMatchObject({
      code: 'PROVIDER_BAD_INPUT',
    });
  });

  it('distinguishes a rejected input, a rejected output and a failed service', async () => {
    await sandbox.scenario({
      ...FAST,
      failEvery: 3,
      rejectPrompts: 'forbidden',
      rejectOutputs: { prompts: 'bottle' },
    });
    const input = await run({ prompt: 'a forbidden cup' });
    expect(input).toMatchObject({ status: 'failed', failureKind: 'input-refused' });
    expect(input.billedSeconds).toBeUndefined();
    expect(await run({ prompt: 'a bottle' })).toMatchObject({
      status: 'failed',
      failureKind: 'output-refused',
      billedSeconds: 4,
    });
    expect(await run()).toMatchObject({ status: 'failed', failureKind: 'service' });
    expect(await run({ aspectRatio: '1:1' })).toMatchObject({ status: 'succeeded' });
    expect(await charged()).toEqual([
      ['fal', 'failed', 0],
      ['fal', 'failed', 0.6],
      ['fal', 'failed', 0],
      ['fal', 'succeeded', 0.6],
    ]);
  });

  it('does not repeat a submit whose response is lost, and cannot know what became of it', async () => {
    await sandbox.scenario({ ...FAST, loseReplies: 1 });
    await expect(provider.submit(request, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await until(async () => (await sandbox.invoice()).totalUsd > 0, DEADLINE_MS, 'the charge');
    const adopt = (): Promise<undefined> => Promise.resolve(undefined);
    expect(await provider.find({ request, since: new Date(0), adopt }, never)).toEqual({ kind: 'unknowable' });
    expect(provider.guarantee).toBe('at_most_once_more');
    expect(await charged()).toEqual([['fal', 'succeeded', 0.6]]);
  });

  it('reports a rate limit with its time, and buys nothing', async () => {
    await sandbox.scenario({ ...FAST, rateLimit: { perMinute: 1, retryAfterSeconds: 3 } });
    await provider.submit(request, never);
    await expect(provider.submit(request, never)).rejects.toMatchObject({
      code: 'PROVIDER_RATE_LIMITED',
      retryAfterMs: 3000,
    });
    expect((await sandbox.invoice()).predictions).toHaveLength(1);
  });

  it('refuses an output that has expired', async () => {
    const { outputUrl = '' } = await run();
    const gone = outputUrl.replace(/[^/]+\.mp4$/, 'gone.mp4');
    await expect(provider.download(gone, join(tmpdir(), 'fal-gone.mp4'), never)).rejects.toMatchObject({
      code: 'DOWNLOAD_EXPIRED',
    });
  });
});

describe('answers that the sandbox does not give', () => {
  let server: Server;
  let base: string;
  let calls: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[];
  let answer: (call: (typeof calls)[number], response: ServerResponse) => void;
  const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  beforeEach(async () => {
    calls = [];
    server = createServer((incoming, response) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      incoming.on('end', () => {
        const call = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body };
        calls.push(call);
        answer(call, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const operation = { id: 'r-1', model: MODEL };

  it('are asked for without retries and fallbacks of the platform', async () => {
    answer = (_call, response) => {
      json(response, 200, { request_id: 'r-1', queue_position: 2 });
    };
    expect(await providerAt(base).submit(request, never)).toEqual({
      id: 'r-1',
      model: MODEL,
      status: 'starting',
      queuePosition: 2,
    });
    expect(calls).toMatchObject([
      {
        method: 'POST',
        url: `/${MODEL}`,
        headers: {
          authorization: 'Key id:secret',
          'x-fal-no-retry': '1',
          'x-app-fal-disable-fallback': 'true',
          'x-fal-request-timeout': '600',
        },
      },
    ]);
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
      prompt: 'a cup',
      duration: '4s',
      aspect_ratio: '9:16',
      resolution: '720p',
      generate_audio: true,
      seed: 7,
      auto_fix: false,
    });
  });

  it.each([429, 500, 502, 503])('status %i of a submit is not retried', async (status) => {
    answer = (_call, response) => {
      json(response, status, { detail: 'no' });
    };
    await expect(providerAt(base).submit(request, never)).rejects.toMatchObject({ retryable: true });
    expect(calls).toHaveLength(1);
  });

  it('are no failure of the run when a proxy gives them', async () => {
    answer = ({ url }, response) => {
      if (url.includes('/status')) json(response, 200, { status: 'COMPLETED' });
      else response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
    };
    await expect(providerAt(base).get(operation, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    answer = ({ url }, response) => {
      if (url.includes('/status')) json(response, 200, { status: 'COMPLETED' });
      else json(response, 500, { detail: [{ type: 'internal_server_error' }] }, { 'x-fal-request-id': 'r-1' });
    };
    expect(await providerAt(base).get(operation, never)).toMatchObject({ status: 'failed', failureKind: 'service' });
    expect(calls[0]?.url).toBe('/fal-ai/veo3.1/requests/r-1/status?logs=1');
  });

  it.each<[string, unknown]>([
    ['no JSON', undefined],
    ['no id', { queue_position: 0 }],
    ['an id that is a path', { request_id: '../../other' }],
  ])('are refused: %s', async (_name, body) => {
    answer = (_call, response) => {
      if (body === undefined) response.end('ok');
      else json(response, 200, body);
    };
    await expect(providerAt(base).submit(request, never)).rejects.toMatchObject({ code: 'PROVIDER_BAD_ANSWER' });
  });

  it('do not lead the key to another host', async () => {
    answer = (_call, response) => {
      response.writeHead(302, { location: 'https://example.test/' }).end();
    };
    await expect(providerAt(base).get(operation, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  });
});
