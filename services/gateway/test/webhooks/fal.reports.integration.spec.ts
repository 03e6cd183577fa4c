import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { openNudges, type Nudges } from '@clipmesh/messaging';
import { openProviderReports, type ProviderReports } from '@clipmesh/persistence';
import {
  type ClipRequest,
  createFalProvider,
  loadModels,
  type OpenProvider,
  type PurchaseFinding,
  reportAddress,
} from '@clipmesh/providers';
import {
  type Broker,
  freePort,
  type Sandbox,
  startBroker,
  startSandbox,
  tempFolder,
  type TempFolder,
  until,
} from '@clipmesh/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DEADLINE_MS, rawCall, startGateway, type TestGateway } from '../gateway.harness.js';
import { startWebhookRelay, type WebhookRelay } from './webhook.relay.js';

const SECRET = 'a secret of the tests, long enough'.replaceAll(' ', '-');
const MODEL = 'fal-ai/veo3.1/fast';
const FAST = { clipSeconds: { min: 0.02, max: 0.05 } };
const never = new AbortController().signal;
/** Much longer than a test: a wait that ends earlier was not ended by a poll. */
const POLL_MS = 60_000;
const models = await loadModels();
const own = generateKeyPairSync('ed25519');

let broker: Broker;
let sandbox: Sandbox;
let jwks: Server;
let folder: TempFolder;
let gateway: TestGateway;
let relay: WebhookRelay;
let nudges: Nudges;
let reports: ProviderReports;
let provider: OpenProvider;
const lines: string[] = [];
/** The secret part of every address that was used. */
const macs: string[] = [];
let keys = 0;
const newKey = (): string => `clip.gen_${'e'.repeat(32)}.0.${(keys += 1)}`;
const requestOf = (attemptKey: string): ClipRequest => ({
  model: MODEL,
  prompt: 'a cup',
  durationSeconds: 4,
  aspectRatio: '9:16',
  seed: 7,
  attemptKey,
});
const providerAt = (webhookUrl: string, timeoutMs: number): OpenProvider =>
  createFalProvider({
    key: 'id:secret',
    models,
    baseUrl: `${sandbox.url}/fal`,
    pollIntervalMs: POLL_MS,
    pollLogIntervalMs: POLL_MS,
    downloadTimeoutMs: DEADLINE_MS,
    downloadIdleTimeoutMs: DEADLINE_MS,
    callTimeoutMs: 30_000,
    createsPerMinute: 6000,
    callsPerMinute: 6000,
    createSlotMs: 1000,
    startTimeoutMs: 600_000,
    breaker: { failures: 5, openMs: 30_000 },
    readFile: () => Promise.reject(new Error('no image is expected')),
    nudge: (id, poke) => nudges.on(id, poke),
    reports: {
      addressOf: (key) => reportAddress(webhookUrl, SECRET, { provider: 'fal', key }),
      requestOf: (key) => reports.find('fal', key),
      timeoutMs,
    },
  });

/** Serves the sandbox's keys, and one with which the tests sign. */
async function serveKeys(): Promise<string> {
  const theirs = (await (await fetch(`${sandbox.url}/fal/.well-known/jwks.json`)).json()) as { keys: unknown[] };
  const body = JSON.stringify({ keys: [...theirs.keys, own.publicKey.export({ format: 'jwk' })] });
  jwks = createServer((_request, response) => response.end(body));
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks.json`;
}

beforeAll(async () => {
  folder = await tempFolder('fal-reports');
  [broker, sandbox] = await Promise.all([startBroker(), startSandbox()]);
  const env = { PROVIDER_WEBHOOK_SECRET: SECRET, FAL_JWKS_URL: await serveKeys(), LOG_LEVEL: 'trace' };
  gateway = await startGateway(broker, folder.path, env, (line) => void lines.push(line));
  relay = await startWebhookRelay(() => gateway.url);
  nudges = openNudges(gateway.runtime.connection);
  reports = openProviderReports(gateway.stores.idempotency);
  provider = providerAt(relay.url, 600_000);
}, DEADLINE_MS);
afterAll(async () => {
  // beforeAll may have failed halfway: close what it opened.
  await (provider as OpenProvider | undefined)?.close();
  (nudges as Nudges | undefined)?.close();
  await (relay as WebhookRelay | undefined)?.stop();
  await (gateway as TestGateway | undefined)?.stop();
  (jwks as Server | undefined)?.close();
  await Promise.all([(sandbox as Sandbox | undefined)?.stop(), (broker as Broker | undefined)?.stop()]);
  await folder.remove();
}, DEADLINE_MS);
beforeEach(async () => {
  relay.isOpen = true;
  for (const { path } of relay.sent.splice(0)) macs.push(path.split('/').at(-1) ?? '');
  await sandbox.clearInvoice();
  await sandbox.scenario(FAST);
});

const find = (attemptKey: string, from = provider, since = new Date()): Promise<PurchaseFinding> =>
  from.find({ request: requestOf(attemptKey), since, adopt: () => Promise.resolve(undefined) }, never);
const bought = async (): Promise<(string | null)[]> => (await sandbox.invoice()).predictions.map(({ key }) => key);

/** Signs as fal does. */
function signed(body: string, { offsetSeconds = 0, requestId = 'r-1' } = {}): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000) + offsetSeconds);
  const hash = createHash('sha256').update(body).digest('hex');
  const text = [requestId, 'user', timestamp, hash].join('\n');
  return {
    'content-type': 'application/json',
    'x-fal-webhook-request-id': requestId,
    'x-fal-webhook-user-id': 'user',
    'x-fal-webhook-timestamp': timestamp,
    'x-fal-webhook-signature': sign(null, Buffer.from(text), own.privateKey).toString('hex'),
  };
}
const pathOf = (key: string, secret = SECRET): string => {
  const { pathname } = new URL(reportAddress('http://x', secret, { provider: 'fal', key }));
  macs.push(pathname.split('/').at(-1) ?? '');
  return pathname;
};
const post = async (path: string, body: string, headers: Record<string, string>, at = gateway.url): Promise<number> =>
  (await fetch(`${at}${path}`, { method: 'POST', body, headers })).status;
const reportOf = (id: string): string =>
  JSON.stringify({ request_id: id, gateway_request_id: id, status: 'OK', error: null, payload: { video: {} } });

describe('a purchase at fal whose answer was lost', () => {
  it('is pending while it runs, is found by its report, and was bought once', async () => {
    await sandbox.scenario({ ...FAST, hold: [0], loseReplies: 1 });
    const key = newKey();
    await expect(provider.submit(requestOf(key), never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(await find(key)).toEqual({ kind: 'pending', retryAfterMs: 2000 });
    await sandbox.scenario(FAST);
    const finding = await until(
      async () => {
        const found = await find(key);
        return found.kind === 'found' ? found : undefined;
      },
      DEADLINE_MS,
      'the report',
    );
    expect(finding.state).toMatchObject({ status: 'succeeded', model: MODEL });
    expect(await bought()).toEqual([key]);
    const [report] = relay.sent;
    expect(report?.path).toBe(pathOf(key));
    expect(JSON.parse(report?.body.toString() ?? '')).toMatchObject({ request_id: finding.state.id, status: 'OK' });
  });

  it('is found after the gateway was down when the run ended', async () => {
    relay.isOpen = false;
    await sandbox.scenario({ ...FAST, loseReplies: 1 });
    const key = newKey();
    await expect(provider.submit(requestOf(key), never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await until(() => relay.sent.length > 0, DEADLINE_MS, 'the first report');
    expect(await find(key)).toMatchObject({ kind: 'pending' });
    relay.isOpen = true;
    await until(async () => (await find(key)).kind === 'found', DEADLINE_MS, 'the repeated report');
    expect(await bought()).toEqual([key]);
  });

  it('is unknowable when no report arrives in time, or fal does not know the reported request', async () => {
    const silent = providerAt(`http://127.0.0.1:${await freePort()}`, 60_000);
    await sandbox.scenario({ ...FAST, loseReplies: 1 });
    const key = newKey();
    await expect(silent.submit(requestOf(key), never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(await find(key, silent)).toMatchObject({ kind: 'pending' });
    expect(await find(key, silent, new Date(Date.now() - 60_001))).toEqual({ kind: 'unknowable' });
    await reports.record('fal', key, 'another-account');
    expect(await find(key, silent)).toEqual({ kind: 'unknowable' });
    await silent.close();
  });
});

describe('reports of fal', () => {
  it('wake the waiting handler', async () => {
    await sandbox.scenario({ clipSeconds: [5, 1] });
    const wait = (id: string): Promise<unknown> =>
      provider.wait({ id, model: MODEL }, { signal: never, timeoutMs: DEADLINE_MS });
    // The provider learns from the first request that the model runs 5 s: it does not poll the second before 4 s.
    await wait((await provider.submit(requestOf(newKey()), never)).id);
    const second = await provider.submit(requestOf(newKey()), never);
    let nudged = 0;
    const stop = nudges.on(second.id, () => (nudged += 1));
    expect(await wait(second.id)).toMatchObject({ status: 'succeeded' });
    await until(() => nudged > 0, DEADLINE_MS, 'the report');
    stop();
  });

  it('are rejected, and nothing is stored, unless address, signature, time and form are right', async () => {
    const key = newKey();
    const path = pathOf(key);
    const body = reportOf('r-1');
    const mac = path.split('/').at(-1) ?? '';
    const forged = path.replace(mac, `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`);
    const { 'x-fal-webhook-signature': _signature, ...unsigned } = signed(body);
    const large = `{"request_id":"${'x'.repeat(1024 * 1024)}"}`;
    const refused: [string, string, string, Record<string, string>, number][] = [
      ['a forged address', forged, body, signed(body), 401],
      ['the address of another purchase', path.replace(key, newKey()), body, signed(body), 401],
      ['an address of another secret', pathOf(key, 'x'.repeat(32)), body, signed(body), 401],
      ['a path in another spelling', forged.replace('/v1/webhooks/fal', '/V1/Webhooks/Fal'), body, signed(body), 401],
      ['no signature', path, body, unsigned, 401],
      ['another body', path, reportOf('r-2'), signed(body), 401],
      ['too old', path, body, signed(body, { offsetSeconds: -400 }), 401],
      ['from the future', path, body, signed(body, { offsetSeconds: 400 }), 401],
      ['no request', path, '{}', signed('{}'), 400],
      ['an id that is a path', path, reportOf('../../x'), signed(reportOf('../../x')), 400],
      ['an id for a subject', path, reportOf('a.>'), signed(reportOf('a.>')), 400],
      ['broken JSON', path, '{"request_id":', signed('{"request_id":'), 400],
      ['another type', path, body, { ...signed(body), 'content-type': 'text/plain' }, 415],
      ['too large', path, large, signed(large), 413],
    ];
    const wrong: string[] = [];
    for (const [name, at, text, headers, status] of refused) {
      const answered = await post(at, text, headers);
      if (answered !== status) wrong.push(`${name}: ${answered} and not ${status}`);
    }
    expect(wrong).toEqual([]);
    expect(await reports.find('fal', key)).toBeUndefined();
    expect(await post(path, body, signed(body))).toBe(204);
    expect(await reports.find('fal', key)).toBe('r-1');
  });

  it('are stored once: repeated and later ones change nothing', async () => {
    const key = newKey();
    const [first, second] = [reportOf('r-1'), reportOf('r-2')];
    const headers = signed(first);
    const all = await Promise.all([0, 1, 2].map(() => post(pathOf(key), first, headers)));
    expect(all).toEqual([204, 204, 204]);
    expect(await post(pathOf(key), second, signed(second, { requestId: 'r-2' }))).toBe(204);
    expect(await reports.find('fal', key)).toBe('r-1');
  });

  it('ask for a repetition while the keys of fal cannot be read', async () => {
    const env = {
      PROVIDER_WEBHOOK_SECRET: SECRET,
      FAL_JWKS_URL: `http://127.0.0.1:${await freePort()}/jwks.json`,
    };
    const keyless = await startGateway(broker, folder.path, env);
    const key = newKey();
    const body = reportOf('r-1');
    try {
      expect(await post(pathOf(key), body, signed(body), keyless.url)).toBe(503);
      expect(await reports.find('fal', key)).toBeUndefined();
    } finally {
      await keyless.stop();
    }
  });

  it('are accepted under the public host name without API_KEYS, and only with PROVIDER_WEBHOOK_SECRET', async () => {
    const FAL_JWKS_URL = gateway.runtime.config.falJwksUrl;
    const PUBLIC_URL = 'https://clips.example';
    const [open, closed] = await Promise.all([
      startGateway(broker, folder.path, { PROVIDER_WEBHOOK_SECRET: SECRET, FAL_JWKS_URL, PUBLIC_URL }),
      startGateway(broker, folder.path, { FAL_JWKS_URL, PUBLIC_URL }),
    ]);
    try {
      const key = newKey();
      const body = reportOf('r-1');
      const headers = { ...signed(body), host: 'clips.example', 'content-length': String(body.length) };
      const statusOf = async (port: number): Promise<number> =>
        (await rawCall(port, pathOf(key), { method: 'POST', headers, body })).status;
      expect(await statusOf(closed.port)).toBe(401);
      expect(await statusOf(open.port)).toBe(204);
      // Without PUBLIC_URL, no provider sends reports.
      expect(await statusOf(gateway.port)).toBe(421);
    } finally {
      await Promise.all([open.stop(), closed.stop()]);
    }
  });

  it('leave no address in the log', () => {
    const all = lines.join('\n');
    expect(all).toContain('fal reported a purchase');
    expect(macs.length).toBeGreaterThan(10);
    expect([SECRET, ...macs].filter((secret) => all.includes(secret))).toEqual([]);
  });
});
