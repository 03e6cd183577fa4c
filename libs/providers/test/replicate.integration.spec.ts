import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EVERYTHING_BUT_TIMEOUTS, until } from '@clipmesh/testing';
import {
  createReplicateProvider,
  loadModels,
  type PurchaseFinding,
  type PurchaseSearch,
  type ReplicateOptions,
  type ReplicateProvider,
} from '../src/index.js';
import { sharedMemory } from './shared.memory.js';

const request = {
  model: 'google/veo-3.1',
  prompt: 'a cup',
  durationSeconds: 6,
  aspectRatio: '9:16',
  seed: 7,
  attemptKey: 'k1',
} as const;
const operation = { id: 'p', model: request.model };
const never = new AbortController().signal;
const idOf = (finding: PurchaseFinding): string | undefined =>
  finding.kind === 'found' ? finding.state.id : undefined;
const oldest: PurchaseSearch['adopt'] = ([first]) => Promise.resolve(first);
let server: Server;
let origin: string;
let calls: string[];
let bodies: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let directory: string;

const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const models = await loadModels();
/** The input of the request for google/veo-3.1. */
const INPUT = {
  prompt: 'a cup',
  duration: 6,
  aspect_ratio: '9:16',
  resolution: '720p',
  generate_audio: true,
  seed: 7,
};
const provider = (more: Partial<ReplicateOptions> = {}): ReplicateProvider =>
  createReplicateProvider({
    token: 't',
    models,
    baseUrl: `${origin}/v1`,
    pollIntervalMs: 100,
    pollLogIntervalMs: 1000,
    downloadTimeoutMs: 120_000,
    downloadIdleTimeoutMs: 120_000,
    createsPerMinute: 6000,
    callsPerMinute: 6000,
    readFile: () => Promise.resolve(Buffer.from('picture')),
    ...more,
  });

beforeEach(async () => {
  calls = [];
  bodies = [];
  directory = mkdtempSync(join(tmpdir(), 'providers-'));
  server = createServer((incoming, response) => {
    calls.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    incoming.on('end', () => {
      bodies.push(body);
      answer(incoming, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

describe('calls', () => {
  it.each([
    [429, 'PROVIDER_RATE_LIMITED'],
    [500, 'PROVIDER_UNAVAILABLE'],
    [402, 'PROVIDER_OUT_OF_CREDIT'],
    [422, 'PROVIDER_BAD_INPUT'],
  ])('status %i is not retried and is %s', async (status, code) => {
    answer = (_, response) => {
      json(response, status, { detail: 'no' }, { 'retry-after': '2' });
    };
    await expect(provider().submit(request, never)).rejects.toMatchObject({ code, retryAfterMs: 2000 });
    await expect(provider().get(operation, never)).rejects.toMatchObject({ code });
    expect(calls).toHaveLength(2);
  });
  it('a create with a lost response is not retried', async () => {
    answer = (incoming) => incoming.socket.destroy();
    await expect(provider().submit(request, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(calls).toHaveLength(1);
  });
  it('a missing response is a timeout, or a cancel when the caller aborted', async () => {
    answer = () => undefined;
    await expect(provider({ callTimeoutMs: 100 }).get(operation, never)).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
    await expect(provider().get(operation, AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'CANCELED' });
  });
  it('find reads later pages to match by input, and stops at the start date', async () => {
    const created_at = new Date().toISOString();
    const mine = { id: 'mine', status: 'processing', model: request.model, created_at };
    const input = { prompt: 'a cup', duration: 6, aspect_ratio: '9:16', seed: 7 };
    answer = (incoming, response) => {
      if (incoming.url?.includes('cursor')) json(response, 200, { next: null, results: [{ ...mine, input }] });
      else
        json(response, 200, {
          next: `${origin}/v1/predictions?cursor=2`,
          results: [{ ...mine, id: 'other', input: { ...input, prompt: 'x' } }],
        });
    };
    const since = new Date(Date.now() - 1000);
    expect(idOf(await provider().find({ request, since, adopt: oldest }, never))).toBe('mine');
    const later = new Date(Date.now() + 60_000);
    expect(await provider().find({ request, since: later, adopt: oldest }, never)).toEqual({ kind: 'absent' });
  });
});

describe('wait', () => {
  it('continues after a failed poll', async () => {
    answer = (_, response) => {
      if (calls.length === 2) json(response, 503, {});
      else
        json(response, 200, { id: 'p', status: calls.length < 4 ? 'processing' : 'succeeded', output: 'https://x/y' });
    };
    const state = await provider().wait(operation, { signal: never, timeoutMs: 120_000 });
    expect(state).toMatchObject({ status: 'succeeded', outputUrl: 'https://x/y' });
  });
  it('ends with PROVIDER_TIMEOUT', async () => {
    answer = (_, response) => {
      json(response, 200, { id: 'p', status: 'processing' });
    };
    await expect(provider().wait(operation, { signal: never, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
  });
});

describe('download', () => {
  const cases: [string, string, (response: ServerResponse) => void, Partial<ReplicateOptions>?][] = [
    ['slow', 'DOWNLOAD_FAILED', (response) => response.writeHead(200).write('x'), { downloadTimeoutMs: 300 }],
    ['too large', 'PROVIDER_BAD_ANSWER', (response) => response.end(Buffer.alloc(2000))],
    ['gone', 'DOWNLOAD_EXPIRED', (response) => response.writeHead(404).end()],
    [
      'redirected elsewhere',
      'PROVIDER_BAD_ANSWER',
      (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    ],
    [
      'cut off',
      'DOWNLOAD_FAILED',
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy());
      },
    ],
  ];
  it('of a data URL writes its content', async () => {
    const file = join(directory, 'a');
    const url = `data:video/mp4;codecs="avc1.42E01E, mp4a.40.2";base64,${Buffer.from('clip').toString('base64')}`;
    expect(await provider().download(url, file, never)).toEqual({ bytes: 4 });
    expect(readFileSync(file, 'utf8')).toBe('clip');
    expect(calls).toEqual([]);
  });
  it.each([
    ['too large', `data:video/mp4;base64,${'secret'.repeat(1000)}`, 'the output is larger than 1000 bytes'],
    ['without base64', 'data:video/mp4,secret', 'the output is a data URL without base64'],
  ])('of a data URL that is %s is refused without quoting it', async (_name, url, message) => {
    const file = join(directory, 'a');
    const failed = provider({ maxDownloadBytes: 1000 }).download(url, file, never);
    await expect(failed).rejects.toMatchObject({ code: 'PROVIDER_BAD_ANSWER', retryable: false, message });
    await expect(failed).rejects.not.toHaveProperty('message', expect.stringContaining('secret'));
    expect(existsSync(file)).toBe(false);
  });

  it.each(cases)('%s is %s and leaves no file', async (_name, code, reply, more = {}) => {
    answer = (_, response) => {
      reply(response);
    };
    const file = join(directory, 'clip.mp4');
    await expect(
      provider({ maxDownloadBytes: 1000, ...more }).download(`${origin}/f`, file, never),
    ).rejects.toMatchObject({ code });
    expect(existsSync(file)).toBe(false);
  });
  it('is aborted after the idle time without data, however long the time limit is', async () => {
    const file = join(directory, 'clip.mp4');
    const idleMs = 30_000;
    let sender: ServerResponse | undefined;
    answer = (_, response) => {
      sender = response.writeHead(200);
      response.write('x');
    };
    const size = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    // The idle limit runs on the test's clock; nothing else does.
    jest.useFakeTimers({ doNotFake: EVERYTHING_BUT_TIMEOUTS });
    try {
      const download = provider({ downloadIdleTimeoutMs: idleMs }).download(`${origin}/f`, file, never);
      const stopped = expect(download).rejects.toMatchObject({
        code: 'DOWNLOAD_FAILED',
        retryable: true,
        message: `the download received no data for ${idleMs} ms after 5 bytes`,
      });
      for (let bytes = 1; bytes <= 5; bytes += 1) {
        await until(() => size() === bytes, 120_000, `${bytes} bytes`);
        jest.advanceTimersByTime(0.9 * idleMs);
        if (bytes < 5) sender?.write('x');
      }
      jest.advanceTimersByTime(idleMs);
      await stopped;
    } finally {
      jest.useRealTimers();
    }
    expect(existsSync(file)).toBe(false);
  });
  it('streams to the file', async () => {
    answer = (_, response) => response.end('clip');
    expect(await provider().download(`${origin}/f`, join(directory, 'a'), never)).toEqual({ bytes: 4 });
  });
});

describe('purchases', () => {
  const created = { id: 'p', status: 'starting', model: request.model };
  const input = (at: number): unknown => (JSON.parse(bodies[at] ?? '{}') as { input?: unknown }).input;

  it('carry their key in the webhook and a deadline for the provider, and no extra input field', async () => {
    let deadline: unknown;
    answer = (incoming, response) => {
      deadline = incoming.headers['cancel-after'];
      json(response, 201, created);
    };
    await provider({ webhookBaseUrl: 'https://x/hook' }).submit(request, never);
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ webhook: 'https://x/hook?key=k1' });
    expect(input(0)).toEqual(INPUT);
    expect(deadline).toBeUndefined();
    expect(calls).toEqual(['POST /v1/models/google/veo-3.1/predictions']);
    await provider({ cancelAfterMs: 1_200_000 }).submit(request, never);
    expect(deadline).toBe('1200s');
  });

  const schema = (...fields: string[]): object => ({
    latest_version: {
      openapi_schema: {
        components: { schemas: { Input: { properties: Object.fromEntries(fields.map((f) => [f, {}])) } } },
      },
    },
  });
  it.each([
    ['has the field', 200, schema('prompt', 'clipmesh_key'), { clipmesh_key: 'k1' }, 1],
    ['has no such field', 200, schema('prompt', 'seed'), {}, 1],
    ['has only other fields', 200, schema('prompt'), {}, 1],
    ['has no schema', 200, { latest_version: null }, {}, 1],
    ['cannot be read, and read it again', 503, {}, {}, 2],
  ])('carry their key in the input of a model that %s', async (_name, status, body, extra, reads) => {
    answer = (incoming, response) => {
      if (incoming.method === 'GET') json(response, status, body);
      else json(response, 201, created);
    };
    const replicate = provider({ inputKey: 'clipmesh_key' });
    await replicate.submit(request, never);
    await replicate.submit(request, never);
    expect(calls.filter((each) => each === 'GET /v1/models/google/veo-3.1')).toHaveLength(reads);
    const posted = bodies.filter((each) => each !== '').map((each) => JSON.parse(each) as { input: object });
    expect(posted.map((each) => each.input)).toEqual([1, 2].map(() => ({ ...INPUT, ...extra })));
  });

  it('continue while one of them gets no response', async () => {
    let pending: ServerResponse | undefined;
    answer = (_incoming, response) => {
      if (bodies.at(-1)?.includes('the one that hangs')) pending = response;
      else json(response, 201, created);
    };
    const replicate = provider({ callTimeoutMs: 300_000, createSlotMs: 50 });
    const ended: string[] = [];
    const hanging = replicate.submit({ ...request, prompt: 'the one that hangs' }, never).then(() => ended.push('it'));
    const others = [1, 2, 3, 4].map((n) =>
      replicate.submit({ ...request, attemptKey: `k${n}` }, never).then(() => ended.push('another')),
    );
    await Promise.all(others);
    expect(ended).toEqual(['another', 'another', 'another', 'another']);
    expect(calls).toHaveLength(5);
    json(pending!, 201, created);
    await hanging;
    expect(ended).toHaveLength(5);
  });

  it('are sent one at a time, so that one call meets a rate limit and not one per clip', async () => {
    answer = (_incoming, response) => {
      if (calls.length === 1) json(response, 429, { detail: 'Your rate limit resets in ~0.2s.', retry_after: 0.2 });
      else json(response, 201, created);
    };
    const replicate = provider({ createSlotMs: 60_000 });
    const all = await Promise.allSettled([1, 2, 3, 4].map(() => replicate.submit(request, never)));
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect(calls).toHaveLength(4);
  });

  it('are not aborted once sent, and not sent when canceled before', async () => {
    const caller = new AbortController();
    answer = (_, response) => {
      caller.abort();
      setTimeout(() => {
        json(response, 201, created);
      }, 100);
    };
    expect((await provider().submit(request, caller.signal)).id).toBe('p');
    await expect(provider().submit(request, caller.signal)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(calls).toHaveLength(1);
    answer = () => undefined;
    await expect(provider({ callTimeoutMs: 100 }).submit(request, never)).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
  });

  it('are not sent when writing the intent took longer than the time limit', async () => {
    answer = (_, response) => {
      json(response, 201, created);
    };
    const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));
    await expect(provider({ callTimeoutMs: 100 }).submit(request, never, slow)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
    });
    expect(calls).toHaveLength(0);
  });

  describe('with a reference image', () => {
    const sha256 = 'a'.repeat(64);
    const referenceImage = { key: `aa/${sha256}.png`, sha256, bytes: 7, contentType: 'image/png' };
    const withImage = { ...request, referenceImage };
    let uploadStatus: number;
    beforeEach(() => {
      uploadStatus = 201;
      answer = (incoming, response) => {
        if (incoming.url === '/v1/files') json(response, uploadStatus, { urls: { get: `${origin}/v1/files/f1` } });
        else json(response, 201, created);
      };
    });

    it('share the URL of one upload', async () => {
      const replicate = provider();
      const clips = [1, 2, 3].map((n) => ({ ...withImage, attemptKey: `k${n}` }));
      await Promise.all(clips.map((clip) => replicate.submit(clip, never)));
      expect(calls.filter((call) => call === 'POST /v1/files')).toHaveLength(1);
      expect(bodies[0]).toContain(`filename="${sha256}.png"\r\nContent-Type: image/png\r\n\r\npicture\r\n`);
      expect(bodies.slice(1).map((body) => JSON.parse(body) as unknown)).toEqual(
        clips.map(() =>
          expect.objectContaining({ input: expect.objectContaining({ image: `${origin}/v1/files/f1` }) }),
        ),
      );
    });

    it('are not sent when the upload fails, and upload the image again later', async () => {
      const replicate = provider();
      uploadStatus = 503;
      let intents = 0;
      const intent = (): Promise<void> => Promise.resolve(void (intents += 1));
      await expect(replicate.submit(withImage, never, intent)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
      expect([calls.length, intents]).toEqual([1, 0]);
      uploadStatus = 201;
      expect((await replicate.submit(withImage, never, intent)).id).toBe('p');
      expect([calls.length, intents]).toEqual([3, 1]);
    });

    it('upload the image again after a failed prediction, because the file may have expired', async () => {
      let uploads = 0;
      let error = 'flagged as sensitive (E005)';
      answer = (incoming, response) => {
        if (incoming.url === '/v1/files')
          json(response, 201, { urls: { get: `${origin}/v1/files/f${(uploads += 1)}` } });
        else if (incoming.method === 'POST') json(response, 201, created);
        else json(response, 200, { ...created, status: 'failed', error, input: { image: `${origin}/v1/files/f1` } });
      };
      const replicate = provider();
      await replicate.submit(withImage, never);
      await replicate.get(operation, never);
      await replicate.submit({ ...withImage, attemptKey: 'k2' }, never);
      expect(uploads).toBe(1);

      error = 'the image could not be downloaded';
      await replicate.get(operation, never);
      await replicate.submit({ ...withImage, attemptKey: 'k3' }, never);
      expect(uploads).toBe(2);
      expect(bodies.at(-1)).toContain('/v1/files/f2');
      // Another clip with the expired URL.
      await replicate.get(operation, never);
      await replicate.submit({ ...withImage, attemptKey: 'k4' }, never);
      expect(uploads).toBe(2);
    });

    it('are found separately from purchases without an image', async () => {
      const same = { prompt: 'a cup', duration: 6, aspect_ratio: '9:16', seed: 7 };
      const at = { created_at: new Date().toISOString() };
      const results = [
        { ...created, ...at, id: 'plain', input: same },
        { ...created, ...at, id: 'with-image', input: { ...same, image: 'https://x/another-upload' } },
      ];
      answer = (_, response) => {
        json(response, 200, { next: null, results });
      };
      const since = new Date(Date.now() - 1000);
      const of = async (wanted: typeof request | typeof withImage): Promise<string | undefined> =>
        idOf(await provider().find({ request: wanted, since, adopt: oldest }, never));
      expect(await of(withImage)).toBe('with-image');
      expect(await of(request)).toBe('plain');
    });
  });

  it('are found by their key, or by their input when the prediction carries no key', async () => {
    const same = { prompt: 'a cup', duration: 6, aspect_ratio: '9:16', seed: 7 };
    const listed = (id: string, more: object): object => ({
      ...created,
      id,
      created_at: new Date().toISOString(),
      ...more,
    });
    let results: object[] = [];
    answer = (_, response) => {
      json(response, 200, { next: null, results });
    };
    const find = async (): Promise<string | undefined> =>
      idOf(await provider().find({ request, since: new Date(Date.now() - 1000), adopt: oldest }, never));
    const foreign = [
      listed('input', { input: { ...same, clipmesh_key: 'k2' } }),
      listed('webhook', { input: same, webhook: 'https://x/hook?key=k2' }),
    ];
    results = foreign;
    expect(await find()).toBeUndefined();
    results = [...foreign, listed('keyless', { input: same })];
    expect(await find()).toBe('keyless');
    results = [...foreign, listed('mine', { input: { prompt: 'rewritten', clipmesh_key: 'k1' } })];
    expect(await find()).toBe('mine');
    // Predictions without a key, the oldest first.
    const at = (ms: number): object => ({ created_at: new Date(Date.now() - ms).toISOString() });
    results = [listed('newer', { input: same }), ...foreign, listed('older', { input: same, ...at(500) })];
    expect(await find()).toBe('older');
    // Created before the intent, by a clock that is behind ours.
    results = [listed('early', { input: same, ...at(4000) }), listed('too early', { input: same, ...at(60_000) })];
    expect(await find()).toBe('early');
  });
});

describe('cancel', () => {
  it.each([
    ['accepted, then canceled', 200, ['processing', 'canceled'], 'canceled'],
    ['refused, already ended', 422, ['succeeded'], 'succeeded'],
    ['accepted, but succeeded', 200, ['succeeded'], 'succeeded'],
  ])('%s', async (_name, status, states, final) => {
    let reads = 0;
    answer = (incoming, response) => {
      if (incoming.method === 'POST') json(response, status, { detail: 'already over' });
      else json(response, 200, { id: 'p', status: states[Math.min(reads++, states.length - 1)] });
    };
    expect((await provider().cancel(operation)).status).toBe(final);
  });

  it.each([
    ['still runs', 200, 'PROVIDER_UNAVAILABLE'],
    ['does not exist', 404, 'PROVIDER_BAD_INPUT'],
  ])('throws for a prediction that %s', async (_name, status, code) => {
    answer = (incoming, response) => {
      if (incoming.method === 'POST') json(response, 404, { detail: 'no' });
      else json(response, status, { id: 'p', status: 'processing' });
    };
    await expect(provider().cancel(operation)).rejects.toMatchObject({ code });
  });
});

describe('replicas', () => {
  it('spend one call on a 429, and resume after it', async () => {
    const shared = sharedMemory();
    let limitedUntil = 0;
    let early = 0;
    answer = (_, response) => {
      if (limitedUntil === 0) limitedUntil = Date.now() + 900;
      const left = limitedUntil - Date.now();
      if (left > 0) {
        early += 1;
        json(response, 429, {}, { 'retry-after': '1' });
      } else json(response, 200, { id: 'p', status: 'processing' });
    };
    const [one, two] = [provider({ shared }), provider({ shared })];
    await expect(one.get(operation, never)).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED' });
    await Promise.all([one, two, two].map((replica) => replica.get(operation, never)));
    expect(early).toBe(1);
    await Promise.all([one.close(), two.close()]);
  });

  it('make no calls to a model that failed too often, and use other models', async () => {
    const shared = sharedMemory();
    const breaker = { failures: 2, openMs: 60_000 };
    answer = (incoming, response) => {
      if (incoming.url?.includes('veo-3.1')) json(response, 503, {});
      else json(response, 201, { id: 'p', status: 'starting' });
    };
    const [one, two] = [provider({ shared, breaker }), provider({ shared, breaker })];
    for (const replica of [one, two])
      await expect(replica.submit(request, never)).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        retryable: true,
      });
    await expect(one.submit(request, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: false });
    expect(calls).toHaveLength(2);
    expect((await two.submit({ ...request, model: 'google/veo-3' }, never)).id).toBe('p');
  });
});

describe('nudges', () => {
  it('end a pause at once, even when they come before it', async () => {
    let nudge = (): void => undefined;
    let stopped = 0;
    answer = (_, response) => {
      if (calls.length === 1) nudge();
      json(response, 200, {
        id: 'p',
        status: calls.length > 1 ? 'succeeded' : 'processing',
        started_at: new Date().toISOString(),
      });
    };
    const state = await provider({ pollIntervalMs: 3_600_000 }).wait(operation, {
      signal: never,
      timeoutMs: 120_000,
      nudge: (_id, callback) => {
        nudge = callback;
        return () => void (stopped += 1);
      },
    });
    expect([state.status, stopped]).toEqual(['succeeded', 1]);
  });
});
