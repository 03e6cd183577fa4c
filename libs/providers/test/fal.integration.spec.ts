import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pngOf, type Sandbox, startSandbox } from '@clipmesh/testing';
import { type ClipProvider, type ClipRequest, createFalProvider, loadModels } from '../src/index.js';
import { type FakeAnswer, type FakeCall, type FakeServer, json, openFake } from './fake.server.js';

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

  it('makes a clip from an image, at the endpoint for images', async () => {
    const image = { key: 'a/b.png', sha256: 'a'.repeat(64), bytes: 9, contentType: 'image/png' } as const;
    const { id } = await provider.submit({ ...request, referenceImage: image, clipSound: false }, never);
    expect(await provider.wait({ id, model: MODEL }, { signal: never, timeoutMs: DEADLINE_MS })).toMatchObject({
      status: 'succeeded',
    });
    const [line] = (await sandbox.invoice()).predictions;
    expect([line?.model, line?.amountUsd]).toEqual([`${MODEL}/image-to-video`, 0.4]);
  });

  it('says where a request is in the queue', async () => {
    await sandbox.scenario({ ...FAST, queueSeconds: 600 });
    expect([await provider.submit(request, never), await provider.submit(request, never)]).toMatchObject([
      { status: 'starting', queuePosition: 0 },
      { status: 'starting', queuePosition: 1 },
    ]);
  });
});

describe('answers that the sandbox does not give', () => {
  let server: FakeServer;
  let calls: FakeCall[];
  let answer: FakeAnswer;
  const shop = (): ClipProvider => providerAt(server.origin);
  beforeEach(async () => {
    calls = [];
    server = await openFake((call, response) => {
      calls.push(call);
      answer(call, response);
    });
  });
  afterEach(() => server.close());
  const operation = { id: 'r-1', model: MODEL };

  it('are asked for without retries and fallbacks of the platform', async () => {
    answer = (_call, response) => {
      json(response, 200, { request_id: 'r-1', queue_position: 2 });
    };
    expect(await shop().submit(request, never)).toEqual({
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
    await expect(shop().submit(request, never)).rejects.toMatchObject({ retryable: true });
    expect(calls).toHaveLength(1);
  });

  it('are no failure of the run when a proxy gives them', async () => {
    answer = ({ url }, response) => {
      if (url.includes('/status')) json(response, 200, { status: 'COMPLETED' });
      else response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
    };
    await expect(shop().get(operation, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    answer = ({ url }, response) => {
      if (url.includes('/status')) json(response, 200, { status: 'COMPLETED' });
      else json(response, 500, { detail: [{ type: 'internal_server_error' }] }, { 'x-fal-request-id': 'r-1' });
    };
    expect(await shop().get(operation, never)).toMatchObject({ status: 'failed', failureKind: 'service' });
    expect(calls[0]?.url).toBe('/fal-ai/veo3.1/requests/r-1/status?logs=1');
  });
});
