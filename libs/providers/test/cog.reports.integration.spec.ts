import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Cog, freePort, startCog, startServer, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { type ClipRequest, type OpenProvider, type PurchaseFinding, reportAddress } from '../src/index.js';
import { reportedPurchase } from '../src/reports/report.address.js';
import {
  DEADLINE_MS,
  idle,
  MODEL,
  never,
  openCog,
  operationOf,
  program,
  requestOf,
  sendTogether,
  waiting,
} from './cog.bench.js';

const SECRET = 'a-secret-of-the-tests-long-enough';

(program === undefined ? describe.skip : describe)('a Cog server that reports its predictions', () => {
  let cog: Cog;
  let folder: TempFolder;
  /** Stores reports, in the place of the gateway. */
  let receiver: Server;
  let receiverUrl: string;
  let takesReports: boolean;
  let refusals: number;
  const stored = new Map<string, unknown>();
  let nudged = new Set<() => void>();
  let open: OpenProvider[] = [];

  const provider = (url = cog.url, timeoutMs = DEADLINE_MS, to = receiverUrl): OpenProvider => {
    const opened = openCog(url, {
      reports: {
        addressOf: (key) => reportAddress(to, SECRET, { provider: 'cog', key }),
        read: (key) => Promise.resolve(stored.get(key)),
        nudge: (_key, onNudge) => {
          nudged.add(onNudge);
          return () => nudged.delete(onNudge);
        },
        timeoutMs,
      },
    });
    open.push(opened);
    return opened;
  };
  const find = (shop: OpenProvider, request: ClipRequest): Promise<PurchaseFinding> =>
    shop.find({ request, since: new Date(), adopt: () => Promise.resolve(undefined) }, never);
  beforeAll(async () => {
    folder = await tempFolder('cog-reports');
    cog = await startCog(program!);
    receiver = createServer((request, response) => {
      void buffer(request).then((body) => {
        const purchase = reportedPurchase(request.url ?? '', SECRET);
        if (!takesReports || purchase === undefined) {
          refusals += 1;
          response.writeHead(503).end();
          return;
        }
        stored.set(purchase.key, JSON.parse(body.toString()));
        response.writeHead(204).end();
        for (const onNudge of [...nudged]) onNudge();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  }, DEADLINE_MS);
  beforeEach(() => {
    takesReports = true;
    refusals = 0;
    nudged = new Set();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    open = [];
  });
  afterAll(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await cog.server.end('SIGTERM');
    await folder.remove();
  });

  it('makes a clip, and its report has the seconds of computing', async () => {
    const shop = provider();
    const request = requestOf('a kettle');
    expect(await shop.submit(request, never)).toMatchObject({ id: request.attemptKey, status: 'processing' });
    const state = await shop.wait(operationOf(request), waiting);
    expect(state).toMatchObject({ status: 'succeeded', model: MODEL, startedAt: expect.any(String) });
    expect(state.gpuSeconds).toBeGreaterThan(0);
    const file = join(folder.path, 'clip.mp4');
    const { bytes } = await shop.download(state.outputUrl!, file, never);
    expect((await stat(file)).size).toBe(bytes);
    expect(nudged.size).toBe(0);
  });

  it('goes on when its buyer is killed, and another process gets the clip', async () => {
    const request = requestOf('sleep 3');
    const url = `${cog.url}/predictions/${encodeURIComponent(request.attemptKey)}`;
    const webhook = reportAddress(receiverUrl, SECRET, { provider: 'cog', key: request.attemptKey });
    const body = JSON.stringify({ input: { prompt: 'sleep 3' }, webhook, webhook_events_filter: ['completed'] });
    const init = { method: 'PUT', headers: { 'content-type': 'application/json', prefer: 'respond-async' }, body };
    // The answer is lost with the buyer.
    const script = `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(() => { console.log('sent'); setInterval(() => {}, 1000); })`;
    const args = ['-e', script];
    const buyer = await startServer({ command: process.execPath, args, ready: /sent/, deadlineMs: DEADLINE_MS });
    await buyer.end('SIGKILL');
    const shop = provider();
    expect(await find(shop, request)).toMatchObject({ kind: 'found', state: { status: 'processing' } });
    expect(await shop.wait(operationOf(request), waiting)).toMatchObject({ status: 'succeeded' });
    // A third one, after the end.
    expect(await find(provider(), request)).toMatchObject({ kind: 'found', state: { status: 'succeeded' } });
    await idle(cog);
  });

  it('is found by a report that the gateway took late, and nothing runs twice', async () => {
    takesReports = false;
    const request = requestOf('a late report');
    await provider().submit(request, never);
    await until(() => refusals > 0, DEADLINE_MS, 'the first report');
    await idle(cog);
    const found = find(provider(), request);
    takesReports = true;
    expect(await found).toMatchObject({ kind: 'found', state: { status: 'succeeded' } });
    expect(await cog.status()).toBe('READY');
  });

  it('cannot say what became of a purchase that does not run and was not reported', async () => {
    const request = requestOf('a cup');
    const shop = provider(cog.url, 0);
    expect(await find(shop, request)).toEqual({ kind: 'unknowable' });
    await expect(shop.get(operationOf(request), never)).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
    await expect(shop.cancel(operationOf(request))).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
    expect(await cog.status()).toBe('READY');
  });

  it('refuses a second clip while all slots are taken, without a report, and cancels the first', async () => {
    const shop = provider();
    const first = requestOf('sleep 60');
    await shop.submit(first, never);
    const second = requestOf('a pan');
    let intents = 0;
    await expect(shop.submit(second, never, () => Promise.resolve(void (intents += 1)))).rejects.toMatchObject({
      code: 'PROVIDER_RATE_LIMITED',
      retryAfterMs: 1000,
    });
    expect(intents).toBe(0);
    const canceled = await provider().cancel(operationOf(first));
    expect(canceled).toMatchObject({ status: 'canceled', startedAt: expect.any(String) });
    expect(canceled.gpuSeconds).toBeGreaterThan(0);
    expect(await shop.cancel(operationOf(first))).toMatchObject({ status: 'canceled' });
    expect(stored.has(second.attemptKey)).toBe(false);
    await idle(cog);
  });

  it('refuses the later one of two clips that are sent at once, and reports only the other', async () => {
    const shop = provider();
    const { requests, sent } = await sendTogether(shop);
    const refused = sent.findIndex(({ status }) => status === 'rejected');
    expect(sent.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'PROVIDER_RATE_LIMITED', message: expect.stringContaining('409') } },
    ]);
    await shop.cancel(operationOf(requests[1 - refused]!));
    await idle(cog);
    expect(requests.map(({ attemptKey }) => stored.has(attemptKey))).toEqual([refused === 1, refused === 0]);
  });

  it('fails a clip whose model raises an error, with the seconds of computing', async () => {
    const shop = provider();
    const request = requestOf('it shall fail');
    await shop.submit(request, never);
    const state = await shop.wait(operationOf(request), waiting);
    expect(state).toMatchObject({ status: 'failed', failureKind: 'model-failed' });
    expect(state.error).toContain('the model failed as the prompt says');
    expect(state.gpuSeconds).toBeGreaterThan(0);
    await idle(cog);
  });

  it('does not lose a purchase as canceled when its answer does not come in time', async () => {
    const silent = createServer((request, response) => {
      if (request.method === 'PUT') return;
      const health = { status: 'READY' };
      const schema = { components: { schemas: { Input: { required: ['prompt'] } } } };
      response.end(JSON.stringify(request.url === '/health-check' ? health : schema));
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const shop = openCog(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, {
      callTimeoutMs: 2000,
      reports: {
        addressOf: () => receiverUrl,
        read: () => Promise.resolve(undefined),
        nudge: () => () => undefined,
        timeoutMs: 0,
      },
    });
    try {
      // Not CANCELED, after which the purchase would count as not made.
      await expect(shop.submit(requestOf('a pan'), never)).rejects.toMatchObject({
        code: 'PROVIDER_TIMEOUT',
        retryable: true,
      });
    } finally {
      silent.closeAllConnections();
      silent.close();
      await shop.close();
    }
  });

  it('cannot say what became of a clip when the server is killed in the middle', async () => {
    const port = await freePort();
    const mortal = await startCog(program!, { port });
    const shop = provider(mortal.url, 1000);
    // Its worker outlives it by that long.
    const request = requestOf('sleep 3');
    await shop.submit(request, never);
    await mortal.server.end('SIGKILL');
    await expect(find(shop, request)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
    const reborn = await startCog(program!, { port });
    expect(await find(shop, request)).toEqual({ kind: 'unknowable' });
    await reborn.server.end('SIGTERM');
  });
});
