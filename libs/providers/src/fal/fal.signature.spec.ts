import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ReceivedWebhook } from '../reports/report.lane.js';
import { createFalSignature, type FalSignature } from './fal.signature.js';

const START_MS = Date.parse('2026-11-30T12:00:00Z');
const HOUR_MS = 60 * 60_000;
const body = Buffer.from('{"request_id":"r-1","status":"OK"}');

interface Pair {
  readonly privateKey: KeyObject;
  readonly jwk: object;
}
const pairOf = (): Pair => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, jwk: publicKey.export({ format: 'jwk' }) };
};

let server: Server;
let jwksUrl: string;
let reads: number;
/** What the server answers: a status and a body. */
let answer: [status: number, body: string];
let nowMs: number;
let isSigned: FalSignature;
let pair: Pair;
const publish = (...keys: unknown[]): void => {
  answer = [200, JSON.stringify({ keys })];
};

beforeEach(async () => {
  pair = pairOf();
  reads = 0;
  nowMs = START_MS;
  publish(pair.jwk);
  server = createServer((_request, response) => {
    reads += 1;
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(answer[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  isSigned = createFalSignature({ jwksUrl, timeoutMs: 60_000, now: () => nowMs });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

type Headers = Readonly<Record<string, string | undefined>>;

/** The headers that fal sends. `ageMs`: how long ago it signed. */
function signed({ privateKey }: Pair, { ageMs = 0, content = body } = {}): Record<string, string> {
  const timestamp = String(Math.floor((nowMs - ageMs) / 1000));
  const hash = createHash('sha256').update(content).digest('hex');
  const text = ['r-1', 'user', timestamp, hash].join('\n');
  return {
    'x-fal-webhook-request-id': 'r-1',
    'x-fal-webhook-user-id': 'user',
    'x-fal-webhook-timestamp': timestamp,
    'x-fal-webhook-signature': sign(null, Buffer.from(text), privateKey).toString('hex'),
  };
}
const received = (headers: Headers, content = body): ReceivedWebhook => ({
  header: (name) => headers[name],
  body: content,
});

describe('the signature of fal', () => {
  it('is accepted, also with an upper-case hex text, and its keys are read once', async () => {
    const headers = signed(pair);
    expect(await isSigned(received(headers))).toBe(true);
    const upper = headers['x-fal-webhook-signature']!.toUpperCase();
    expect(await isSigned(received({ ...headers, 'x-fal-webhook-signature': upper }))).toBe(true);
    expect(reads).toBe(1);
  });

  it('is accepted with any of several keys, and others than ED25519 are ignored', async () => {
    publish(
      { kty: 'RSA', n: 'x', e: 'AQAB' },
      null,
      { kty: 'OKP', crv: 'Ed25519', x: 'short' },
      pairOf().jwk,
      pair.jwk,
    );
    expect(await isSigned(received(signed(pair)))).toBe(true);
  });

  it.each<[string, (headers: Record<string, string>) => ReceivedWebhook]>([
    ['another body', (headers) => received(headers, Buffer.from('{"request_id":"r-2"}'))],
    ['another request', (headers) => received({ ...headers, 'x-fal-webhook-request-id': 'r-2' })],
    ['another user', (headers) => received({ ...headers, 'x-fal-webhook-user-id': 'other' })],
    ['another time', (headers) => received({ ...headers, 'x-fal-webhook-timestamp': String(START_MS / 1000 + 1) })],
    ['no time', ({ 'x-fal-webhook-timestamp': _time, ...headers }) => received(headers)],
    ['no user', ({ 'x-fal-webhook-user-id': _user, ...headers }) => received(headers)],
    ['no signature', ({ 'x-fal-webhook-signature': _text, ...headers }) => received(headers)],
    ['no hex text', (headers) => received({ ...headers, 'x-fal-webhook-signature': 'z'.repeat(128) })],
    ['a time that is no number', (headers) => received({ ...headers, 'x-fal-webhook-timestamp': 'NaN' })],
  ])('is refused with %s', async (_name, alter) => {
    expect(await isSigned(alter(signed(pair)))).toBe(false);
  });

  it.each([
    [-301_000, false],
    [-300_000, true],
    [300_000, true],
    [301_000, false],
  ])('that is %i ms old: %s', async (ageMs, expected) => {
    expect(await isSigned(received(signed(pair, { ageMs })))).toBe(expected);
  });

  it('is refused without a read of the keys when it is too old', async () => {
    expect(await isSigned(received(signed(pair, { ageMs: HOUR_MS })))).toBe(false);
    expect(reads).toBe(0);
  });
});

describe('the keys of fal', () => {
  it('are read again when none fits, at most once a minute', async () => {
    const stranger = pairOf();
    expect(await isSigned(received(signed(pair)))).toBe(true);
    nowMs += 61_000;
    for (let times = 0; times < 5; times += 1) expect(await isSigned(received(signed(stranger)))).toBe(false);
    expect(reads).toBe(2);
    const next = pairOf();
    publish(next.jwk);
    expect(await isSigned(received(signed(next)))).toBe(false);
    nowMs += 61_000;
    expect(await isSigned(received(signed(next)))).toBe(true);
    expect(reads).toBe(3);
  });

  it('are read again after 24 hours: a key that fal has withdrawn no longer counts', async () => {
    expect(await isSigned(received(signed(pair)))).toBe(true);
    publish(pairOf().jwk);
    nowMs += 23 * HOUR_MS;
    expect(await isSigned(received(signed(pair)))).toBe(true);
    nowMs += HOUR_MS;
    expect(await isSigned(received(signed(pair)))).toBe(false);
    expect(reads).toBe(2);
  });

  it('are read once for many webhooks at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => isSigned(received(signed(pair)))));
    expect(all.every(Boolean)).toBe(true);
    expect(reads).toBe(1);
  });

  it.each<[string, number, string]>([
    ['an error', 500, 'no'],
    ['no JSON', 200, '<html>'],
    ['no key', 200, '{"keys":[]}'],
    ['too much', 200, `{"keys":["${'x'.repeat(70_000)}"]}`],
  ])('that are %s make the webhook unverifiable, and are read again after a minute', async (_name, status, text) => {
    answer = [status, text];
    const unverifiable = { code: 'PROVIDER_UNAVAILABLE', retryable: true };
    for (let times = 0; times < 3; times += 1)
      await expect(isSigned(received(signed(pair)))).rejects.toMatchObject(unverifiable);
    expect(reads).toBe(1);
    publish(pair.jwk);
    nowMs += 61_000;
    expect(await isSigned(received(signed(pair)))).toBe(true);
  });
});
