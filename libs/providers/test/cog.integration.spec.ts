import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cog, findCog, freePort, startCog, until } from '@clipmesh/testing';
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
    cog = await startCog(program!);
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    open = [];
  });
  afterAll(() => cog.server.end('SIGTERM'));

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
    expect(state.gpuSeconds).toBeGreaterThan(0);
    // The process that holds the answer remembers it.
    const search = { request, since: new Date(), adopt: () => Promise.resolve(undefined) };
    expect(await shop.find(search, never)).toEqual({ kind: 'found', state });
    await idle();
  });

  it('fails a clip, and may be retried, when the server is killed in the middle', async () => {
    const port = await freePort();
    const mortal = await startCog(program!, { port });
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
