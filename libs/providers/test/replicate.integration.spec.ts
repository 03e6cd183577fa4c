import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ClipProvider, createReplicateProvider } from '../src/index.js';

const request = {
  model: 'google/veo-3.1',
  prompt: 'a cup',
  durationSeconds: 6,
  aspectRatio: '9:16',
  seed: 7,
  attemptKey: 'k1',
} as const;
const never = new AbortController().signal;
let server: Server;
let origin: string;
let calls: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let directory: string;

const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const provider = (more: { callTimeoutMs?: number; maxDownloadBytes?: number } = {}): ClipProvider =>
  createReplicateProvider({
    token: 't',
    baseUrl: `${origin}/v1`,
    pollIntervalMs: 100,
    pollLogIntervalMs: 1000,
    downloadTimeoutMs: 500,
    createsPerMinute: 6000,
    callsPerMinute: 6000,
    ...more,
  });

beforeEach(async () => {
  calls = [];
  directory = mkdtempSync(join(tmpdir(), 'providers-'));
  server = createServer((incoming, response) => {
    calls.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    incoming.resume().on('end', () => {
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
  ])('status %i is asked once and is %s', async (status, code) => {
    answer = (_, response) => {
      json(response, status, { detail: 'no' }, { 'retry-after': '2' });
    };
    await expect(provider().submit(request, never)).rejects.toMatchObject({ code, retryAfterMs: 2000 });
    await expect(provider().get('p', never)).rejects.toMatchObject({ code });
    expect(calls).toHaveLength(2);
  });
  it('a lost reply is never sent again', async () => {
    answer = (incoming) => incoming.socket.destroy();
    await expect(provider().submit(request, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(calls).toHaveLength(1);
  });
  it('an answer that does not come is a timeout, or a cancel when the caller gave up', async () => {
    answer = () => undefined;
    await expect(provider({ callTimeoutMs: 100 }).get('p', never)).rejects.toMatchObject({ code: 'PROVIDER_TIMEOUT' });
    await expect(provider().get('p', AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'CANCELED' });
  });
  it('finds a prediction by its input on a later page, and stops at the date', async () => {
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
    expect((await provider().find('k1', since, never, request))?.id).toBe('mine');
    expect(await provider().find('k1', new Date(Date.now() + 60_000), never, request)).toBeUndefined();
  });
});

describe('wait', () => {
  it('outlives an error while polling', async () => {
    answer = (_, response) => {
      if (calls.length === 2) json(response, 503, {});
      else
        json(response, 200, { id: 'p', status: calls.length < 4 ? 'processing' : 'succeeded', output: 'https://x/y' });
    };
    const state = await provider().wait('p', { signal: never, timeoutMs: 5000 });
    expect(state).toMatchObject({ status: 'succeeded', outputUrl: 'https://x/y' });
  });
  it('ends with PROVIDER_TIMEOUT', async () => {
    answer = (_, response) => {
      json(response, 200, { id: 'p', status: 'processing' });
    };
    await expect(provider().wait('p', { signal: never, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
  });
});

describe('download', () => {
  const cases: [string, string, (response: ServerResponse) => void][] = [
    ['slow', 'DOWNLOAD_FAILED', (response) => response.writeHead(200).write('x')],
    ['too large', 'DOWNLOAD_FAILED', (response) => response.end(Buffer.alloc(2000))],
    ['gone', 'DOWNLOAD_EXPIRED', (response) => response.writeHead(404).end()],
    [
      'redirected elsewhere',
      'DOWNLOAD_FAILED',
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
  it.each(cases)('%s is %s and leaves no file', async (_name, code, reply) => {
    answer = (_, response) => {
      reply(response);
    };
    const file = join(directory, 'clip.mp4');
    await expect(provider({ maxDownloadBytes: 1000 }).download(`${origin}/f`, file, never)).rejects.toMatchObject({
      code,
    });
    expect(existsSync(file)).toBe(false);
  });
  it('streams to the file', async () => {
    answer = (_, response) => response.end('clip');
    expect(await provider().download(`${origin}/f`, join(directory, 'a'), never)).toEqual({ bytes: 4 });
  });
});
