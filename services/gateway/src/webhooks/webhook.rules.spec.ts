import { describe, expect, it } from '@jest/globals';
import { type DomainEvent, WEBHOOK_EVENTS } from '@clipmesh/contracts';
import { isStandardSigned } from '@clipmesh/providers';
import { endpointsFor, noticeOf, retryAfterMs, verdictOf } from './webhook.rules.js';
import { newWebhookSecret, ownerSecret, ownerSecrets, signatureOf } from './webhook.signature.js';

const generationId = `gen_${'1'.repeat(32)}`;
const at = '2026-01-01T00:00:00.000Z';
const eventOf = (name: string, status: string): DomainEvent =>
  ({ name, body: { generationId, at, run: 2, status, charges: [] } }) as unknown as DomainEvent;

describe('a notification', () => {
  it.each([
    ['generation.succeeded', 'succeeded', 'generation.succeeded'],
    ['generation.failed', 'failed', 'generation.failed'],
    ['generation.canceled', 'canceled', 'generation.canceled'],
    ['generation.progressed', 'awaiting_approval', 'generation.awaiting_approval'],
    ['generation.progressed', 'generating', undefined],
    ['plan.written', 'planning', undefined],
  ])('for %s while %s is %s', (name, status, type) => {
    const notice = noticeOf(eventOf(name, status));
    expect(notice).toEqual(type === undefined ? undefined : { generationId, type, run: 2, at });
  });

  it.each([
    ['nobody', undefined, undefined, []],
    ['the webhookUrl', 'https://a.example', undefined, ['request']],
    ['subscribed webhooks', undefined, ['generation.failed'], ['wh_1']],
    ['both', 'https://a.example', ['generation.failed'], ['request', 'wh_1']],
    ['no webhook for other events', undefined, ['generation.succeeded'], []],
  ] as const)('goes to %s', (_who, url, events, notified) => {
    const endpoint = { id: 'wh_1', url: 'https://b.example', secret: 's', createdAt: at };
    const webhooks = events && { owner: 'ann', endpoints: [{ ...endpoint, events: [...events] }] };
    expect(endpointsFor('generation.failed', url, webhooks)).toEqual(notified);
  });

  it('exists for every final status', () => {
    expect(WEBHOOK_EVENTS.filter((type) => type !== 'generation.awaiting_approval')).toEqual(
      ['succeeded', 'failed', 'canceled'].map((status) => noticeOf(eventOf(`generation.${status}`, status))?.type),
    );
  });
});

describe('a response', () => {
  it.each([
    [200, 'taken'],
    [204, 'taken'],
    [299, 'taken'],
    [301, 'later'],
    [404, 'later'],
    [410, 'gone'],
    [429, 'later'],
    [500, 'later'],
  ] as const)('of %i means %s', (status, verdict) => {
    expect(verdictOf(status)).toBe(verdict);
  });

  it.each([
    [undefined, undefined],
    ['7', 7000],
    ['0', undefined],
    ['99999999', 86_400_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', undefined],
    ['soon', undefined],
  ])('with Retry-After %s waits for %s ms', (header, ms) => {
    expect(retryAfterMs(header, Date.parse(at))).toBe(ms);
  });
});

describe('a signature', () => {
  it('follows the Standard Webhooks specification', () => {
    // The example of its reference libraries.
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    expect(signatureOf(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  const secret = newWebhookSecret();
  const signedAgo = (seconds: number, body = '{}'): Parameters<typeof isStandardSigned>[0] => {
    const timestamp = String(Math.floor(Date.now() / 1000) - seconds);
    return {
      id: 'msg_1',
      timestamp,
      signature: signatureOf(secret, 'msg_1', timestamp, body),
      body: Buffer.from(body),
    };
  };

  it('is accepted by a receiver with the same secret', () => {
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
    expect(isStandardSigned(signedAgo(0), secret)).toBe(true);
    expect(isStandardSigned(signedAgo(0, 'not JSON'), secret)).toBe(true);
    expect(isStandardSigned(signedAgo(0), newWebhookSecret())).toBe(false);
  });

  it('is accepted among the signatures of other secrets', () => {
    const signed = signedAgo(0);
    const other = signatureOf(newWebhookSecret(), 'msg_1', signed.timestamp ?? '', '{}');
    expect(isStandardSigned({ ...signed, signature: `${other} v1a,x ${signed.signature ?? ''}` }, secret)).toBe(true);
  });

  it.each<[string, Partial<Parameters<typeof isStandardSigned>[0]>]>([
    ['without an id', { id: undefined }],
    ['without a timestamp', { timestamp: undefined }],
    ['without a signature', { signature: undefined }],
    ['with another id', { id: 'msg_2' }],
    ['with another body', { body: Buffer.from('{ }') }],
    ['with another version', { signature: signedAgo(0).signature?.replace('v1,', 'v2,') }],
    ['older than five minutes', signedAgo(400)],
    ['from the future', signedAgo(-400)],
  ])('is refused %s', (_what, change) => {
    expect(isStandardSigned({ ...signedAgo(0), ...change }, secret)).toBe(false);
  });

  it('differs by owner, version and deployment', () => {
    const deployments = [newWebhookSecret(), newWebhookSecret()];
    const all = deployments.flatMap((secret) =>
      ['ann', 'bob', '1.ann'].flatMap((owner) => [1, 2, 11].map((version) => ownerSecret(secret, owner, version))),
    );
    expect(new Set(all).size).toBe(all.length);
    for (const secret of all) expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(ownerSecret(deployments[0] ?? '', 'ann', 1)).toBe(all[0]);
  });

  it.each([
    ['before a rotation', undefined, [1]],
    ['right after one', '2026-01-01T00:00:00.000Z', [3, 2]],
    ['just before the overlap ends', '2025-12-31T23:00:00.001Z', [3, 2]],
    ['when the overlap has ended', '2025-12-31T23:00:00.000Z', [3]],
  ])('%s uses versions %j', (_when, rotatedAt, versions) => {
    const secret = newWebhookSecret();
    const rotation = rotatedAt === undefined ? undefined : { version: 3, rotatedAt };
    const times = { overlapMs: 3_600_000, nowMs: Date.parse(at) };
    expect(ownerSecrets(secret, 'ann', rotation, times)).toEqual(
      versions.map((version) => ownerSecret(secret, 'ann', version)),
    );
  });
});
