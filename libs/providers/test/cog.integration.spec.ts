import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cog, freePort, startCog } from '@clipmesh/testing';
import { type OpenProvider } from '../src/index.js';
import { idle, never, openCog, operationOf, program, requestOf, sendTogether, waiting } from './cog.bench.js';

(program === undefined ? describe.skip : describe)('a Cog server', () => {
  let cog: Cog;
  let open: OpenProvider[] = [];
  const provider = (url = cog.url): OpenProvider => {
    const opened = openCog(url);
    open.push(opened);
    return opened;
  };

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
    const { requests, sent } = await sendTogether(shop);
    const refused = sent.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatchObject({
      code: 'PROVIDER_RATE_LIMITED',
      message: expect.stringContaining('409'),
    });
    const at = sent.findIndex(({ status }) => status === 'fulfilled');
    await shop.cancel(operationOf(requests[at]!));
    await idle(cog);
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
    await idle(cog);
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
