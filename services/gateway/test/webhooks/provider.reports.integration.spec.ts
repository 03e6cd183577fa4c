import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openNudges, type Nudges } from '@clipmesh/messaging';
import { createReplicateProvider, loadModels, type OpenProvider, type PredictionState } from '@clipmesh/providers';
import { type Broker, type Sandbox, startBroker, startSandbox, until } from '@clipmesh/testing';
import { createHmac } from 'node:crypto';
import { DEADLINE_MS, rawCall, startGateway, type TestGateway } from '../gateway.harness.js';

const never = new AbortController().signal;
/** Much longer than a test: a wait that ends earlier was not ended by a poll. */
const POLL_MS = 60_000;
let broker: Broker;
let sandbox: Sandbox;
let gateway: TestGateway;
let directory: string;
let secret: string;
let nudges: Nudges;
let provider: OpenProvider;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clipmesh-webhooks-'));
  [broker, sandbox] = await Promise.all([startBroker(), startSandbox()]);
  const answer = await fetch(`${sandbox.url}/v1/webhooks/default/secret`, { headers: { authorization: 'Bearer t' } });
  secret = ((await answer.json()) as { key: string }).key;
  gateway = await startGateway(broker, directory, { REPLICATE_WEBHOOK_SECRET: secret });
  nudges = openNudges(await broker.connect());
  provider = createReplicateProvider({
    models: await loadModels(),
    readFile: () => Promise.reject(new Error('no image is expected')),
    token: 't',
    baseUrl: `${sandbox.url}/v1`,
    pollIntervalMs: POLL_MS,
    pollLogIntervalMs: POLL_MS,
    downloadTimeoutMs: DEADLINE_MS,
    downloadIdleTimeoutMs: DEADLINE_MS,
    createsPerMinute: 600,
    callsPerMinute: 3000,
    webhookBaseUrl: `${gateway.url}/v1/webhooks/replicate`,
    nudge: (predictionId, poke) => nudges.on(predictionId, poke),
  });
});
afterAll(async () => {
  // beforeAll may have failed halfway: close what it opened.
  await (provider as OpenProvider | undefined)?.close();
  (nudges as Nudges | undefined)?.close();
  await (gateway as TestGateway | undefined)?.stop();
  await Promise.all([(sandbox as Sandbox | undefined)?.stop(), (broker as Broker | undefined)?.stop()]);
  await rm(directory, { recursive: true, force: true });
});

const sign = (body: string, timestamp: string, key = secret): Record<string, string> => ({
  'content-type': 'application/json',
  'webhook-id': 'm1',
  'webhook-timestamp': timestamp,
  'webhook-signature': `v1,${createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
    .update(`m1.${timestamp}.${body}`)
    .digest('base64')}`,
});
const post = (body: string, headers: Record<string, string>): Promise<Response> =>
  fetch(`${gateway.url}/v1/webhooks/replicate?key=k`, { method: 'POST', body, headers });
const seconds = (offset = 0): string => String(Math.floor(Date.now() / 1000) + offset);

describe('reports of the provider', () => {
  it('reach the waiting handler through the gateway and the broker', async () => {
    await sandbox.scenario({ clipSeconds: [5, 1] });
    const buy = (attemptKey: string, seed: number): Promise<PredictionState> =>
      provider.submit(
        { model: 'google/veo-3.1', prompt: 'a cup', durationSeconds: 4, aspectRatio: '9:16', seed, attemptKey },
        never,
      );
    const wait = (id: string): Promise<PredictionState> =>
      provider.wait({ id, model: 'any' }, { signal: never, timeoutMs: DEADLINE_MS });
    // The provider learns from the first prediction that the model runs 5 s: it does not poll the second before 4 s.
    await wait((await buy('k1', 7)).id);
    const second = await buy('k2', 8);
    let nudged = 0;
    const stop = nudges.on(second.id, () => (nudged += 1));
    expect((await wait(second.id)).status).toBe('succeeded');
    await until(() => nudged > 0, DEADLINE_MS, 'the report to arrive');
    stop();
    expect((await sandbox.invoice()).predictions.map(({ key }) => key)).toEqual(['k1', 'k2']);
  });

  it('are rejected unless they are signed, recent and about a prediction', async () => {
    const received: string[] = [];
    const stop = nudges.on('p1', () => received.push('p1'));
    const body = JSON.stringify({ id: 'p1', status: 'succeeded' });
    const other = `whsec_${Buffer.from('another secret of some length').toString('base64')}`;
    const now = seconds();
    const refused: [string, string, Record<string, string>, number][] = [
      ['no signature', body, { 'content-type': 'application/json' }, 401],
      ['another secret', body, sign(body, now, other), 401],
      ['another body', body.replace('p1', 'p2'), sign(body, now), 401],
      ['too old', body, sign(body, seconds(-400)), 401],
      ['from the future', body, sign(body, seconds(400)), 401],
      ['not a prediction', '{}', sign('{}', now), 400],
      ['an invalid id', '{"id":"a.>"}', sign('{"id":"a.>"}', now), 400],
      ['too large', `{"id":"${'x'.repeat(1024 * 1024)}"}`, sign('', now), 413],
    ];
    for (const [name, text, headers, status] of refused)
      expect({ name, status: (await post(text, headers)).status }).toEqual({ name, status });
    expect(received).toEqual([]);
    expect((await post(body, sign(body, now))).status).toBe(204);
    await until(() => received.length > 0, DEADLINE_MS, 'the report');
    stop();
    expect(received).toEqual(['p1']);
  });

  it('are accepted under the public host name without API_KEYS by their signature', async () => {
    const open = await startGateway(broker, directory, {
      REPLICATE_WEBHOOK_SECRET: secret,
      PUBLIC_URL: 'https://clips.example',
    });
    try {
      const path = '/v1/webhooks/replicate';
      const host = { host: 'clips.example' };
      const body = JSON.stringify({ id: 'p2', status: 'succeeded' });
      const signed = { ...sign(body, seconds()), ...host };
      const unsigned = { 'content-type': 'application/json', ...host };
      const length = { 'content-length': String(body.length) };
      const statusOf = async (
        port: number,
        method: string,
        at: string,
        headers: Record<string, string>,
      ): Promise<number> =>
        (await rawCall(port, at, method === 'GET' ? { headers } : { method, headers: { ...headers, ...length }, body }))
          .status;
      const received: string[] = [];
      const stop = nudges.on('p2', () => received.push('p2'));
      expect(await statusOf(open.port, 'POST', `${path}?key=k`, signed)).toBe(204);
      await until(() => received.length > 0, DEADLINE_MS, 'the report to arrive');
      stop();
      expect(await statusOf(open.port, 'POST', path, unsigned)).toBe(401);
      expect(await statusOf(open.port, 'GET', path, signed)).toBe(421);
      expect(await statusOf(open.port, 'POST', '/v1/generations', signed)).toBe(421);
      expect(await statusOf(open.port, 'GET', '/v1/generations', host)).toBe(421);
      // Without PUBLIC_URL, no provider sends reports.
      expect(await statusOf(gateway.port, 'POST', path, signed)).toBe(421);
    } finally {
      await open.stop();
    }
  });
});
