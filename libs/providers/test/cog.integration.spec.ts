import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Cog,
  findCog,
  freePort,
  startCog,
  startServer,
  tempFolder,
  type TempFolder,
  until,
} from '@clipmesh/testing';
import { type ClipRequest, loadModels, type OpenProvider } from '../src/index.js';
import { createCogProvider } from '../src/cog/cog.provider.js';

const DEADLINE_MS = 120_000;
const program = await findCog();
const models = await loadModels();
const never = new AbortController().signal;
const MODEL = 'cog/animatic';
let keys = 0;
const requestOf = (prompt: string): ClipRequest => ({
  model: MODEL,
  prompt,
  durationSeconds: 1,
  aspectRatio: '16:9',
  seed: 7,
  attemptKey: `clip.gen_${'1'.repeat(32)}.0.${(keys += 1)}`,
});
const operationOf = ({ attemptKey }: ClipRequest): { id: string; model: string } => ({ id: attemptKey, model: MODEL });
const waiting = { signal: never, timeoutMs: DEADLINE_MS };

(program === undefined ? describe.skip : describe)('a Cog server', () => {
  let cog: Cog;
  let folder: TempFolder;
  let open: OpenProvider[] = [];
  const provider = (url = cog.url): OpenProvider => {
    const opened = createCogProvider({
      endpoints: [{ model: MODEL, url }],
      models,
      pollIntervalMs: 100,
      pollLogIntervalMs: DEADLINE_MS,
      callTimeoutMs: 30_000,
      runTimeoutMs: DEADLINE_MS,
      downloadTimeoutMs: DEADLINE_MS,
      downloadIdleTimeoutMs: DEADLINE_MS,
      readFile: () => Promise.resolve(Buffer.from('picture')),
      breaker: { failures: 5, openMs: 1000 },
    });
    open.push(opened);
    return opened;
  };
  const idle = (): Promise<unknown> =>
    until(async () => (await cog.status()) === 'READY', DEADLINE_MS, 'an idle server');

  beforeAll(async () => {
    folder = await tempFolder('cog');
    cog = await startCog(program!);
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    open = [];
  });
  afterAll(async () => {
    await cog.server.end('SIGTERM');
    await folder.remove();
  });

  it('makes a clip, and its answer has the seconds of computing', async () => {
    const shop = provider();
    const request = requestOf('a kettle');
    const { id } = await shop.submit(request, never);
    expect(id).toBe(request.attemptKey);
    const state = await shop.wait(operationOf(request), waiting);
    expect(state).toMatchObject({ status: 'succeeded', model: MODEL });
    expect(state.gpuSeconds).toBeGreaterThan(0);
    const file = join(folder.path, 'clip.mp4');
    const { bytes } = await shop.download(state.outputUrl!, file, never);
    expect((await stat(file)).size).toBe(bytes);
    expect(
      await shop.find({ request, since: new Date(), adopt: () => Promise.resolve(undefined) }, never),
    ).toMatchObject({
      kind: 'found',
    });
  });

  it('refuses a second clip before its intent while all slots are taken, and starts no work for a look', async () => {
    const shop = provider();
    const first = requestOf('sleep 60');
    await shop.submit(first, never);
    let intents = 0;
    const second = shop.submit(requestOf('a pan'), never, () => Promise.resolve(void (intents += 1)));
    await expect(second).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 1000 });
    expect(intents).toBe(0);
    // Another process sees that it runs.
    const other = provider();
    expect(await other.get(operationOf(first), never)).toMatchObject({ status: 'processing' });
    const canceled = await shop.cancel(operationOf(first));
    expect(canceled).toMatchObject({ status: 'canceled' });
    expect(canceled.startedAt).toBeDefined();
    await expect(other.get(operationOf(first), never)).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
    await idle();
  });

  it('refuses the later one of two clips that are sent at once, with the status 409', async () => {
    const shop = provider();
    const requests = [requestOf('sleep 60'), requestOf('sleep 60')];
    let release: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (release = resolve));
    let waiters = 0;
    const meet = (): Promise<void> => {
      waiters += 1;
      if (waiters === 2) release();
      return both;
    };
    const sent = await Promise.allSettled(requests.map((request) => shop.submit(request, never, meet)));
    const refused = sent.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatchObject({
      code: 'PROVIDER_RATE_LIMITED',
      message: expect.stringContaining('409'),
    });
    const at = sent.findIndex(({ status }) => status === 'fulfilled');
    await shop.cancel(operationOf(requests[at]!));
    await idle();
  });

  it('fails a clip whose model raises an error, with the seconds of computing', async () => {
    const shop = provider();
    const request = requestOf('it shall fail');
    await shop.submit(request, never);
    const state = await shop.wait(operationOf(request), waiting);
    expect(state).toMatchObject({ status: 'failed', failureKind: 'model-failed' });
    expect(state.error).toContain('the model failed as the prompt says');
    await idle();
  });

  it('cannot say what became of a purchase that does not run', async () => {
    const search = { request: requestOf('a cup'), since: new Date(), adopt: () => Promise.resolve(undefined) };
    expect(await provider().find(search, never)).toEqual({ kind: 'unknowable' });
  });

  it('cancels a clip whose buyer is killed, and then cannot say what became of it', async () => {
    const request = requestOf('sleep 60');
    const url = `${cog.url}/predictions/${encodeURIComponent(request.attemptKey)}`;
    const call = `fetch(${JSON.stringify(url)}, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"input":{"prompt":"sleep 60"}}' })`;
    const args = ['-e', `${call}; console.log('sent')`];
    const buyer = await startServer({ command: process.execPath, args, ready: /sent/, deadlineMs: DEADLINE_MS });
    const shop = provider();
    const search = { request, since: new Date(), adopt: () => Promise.resolve(undefined) };
    const isFound = async (): Promise<boolean> => (await shop.find(search, never)).kind === 'found';
    await until(isFound, DEADLINE_MS, 'the prediction');
    const end = shop.wait(operationOf(request), waiting);
    await buyer.end('SIGKILL');
    await expect(end).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
    expect(await shop.find(search, never)).toEqual({ kind: 'unknowable' });
    await idle();
  });

  it('fails a clip, and may be retried, when the server is killed in the middle', async () => {
    const port = await freePort();
    const mortal = await startCog(program!, port);
    const shop = provider(mortal.url);
    // Its worker outlives it by that long.
    const request = requestOf('sleep 3');
    await shop.submit(request, never);
    const end = shop.wait(operationOf(request), waiting);
    await mortal.server.end('SIGKILL');
    expect(await end).toMatchObject({ status: 'failed', failureKind: 'service' });
    await expect(shop.submit(requestOf('a pan'), never)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: true,
    });
  });
});
