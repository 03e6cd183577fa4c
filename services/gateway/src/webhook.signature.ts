import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** A webhook older than this, or as far ahead of our clock, is refused, ms. */
export const WEBHOOK_TOLERANCE_MS = 5 * 60_000;

export interface SignedWebhook {
  readonly id: string | undefined;
  /** Seconds since the epoch, as sent. */
  readonly timestamp: string | undefined;
  /** Space-separated `version,base64` entries; only those of version `v1` count. */
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

const keyOf = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
const hmac = (key: Buffer, id: string, timestamp: string, body: string | Uint8Array): Buffer =>
  createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();

/** A secret of 192 random bits, as Standard Webhooks writes it. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`;

/** The `webhook-signature` of a body, by https://www.standardwebhooks.com: HMAC-SHA256 over `id.timestamp.body`. `timestamp`: seconds since the epoch. */
export function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  return `v1,${hmac(keyOf(secret), id, timestamp, body).toString('base64')}`;
}

/** Whether the holder of the secret (`whsec_` and base64) signed this; compared in constant time. */
export function isSigned({ id, timestamp, signature, body }: SignedWebhook, secret: string, nowMs: number): boolean {
  if (!id || !timestamp || !signature || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs - Number(timestamp) * 1000) > WEBHOOK_TOLERANCE_MS) return false;
  const key = keyOf(secret);
  if (key.length === 0) return false;
  const wanted = hmac(key, id, timestamp, body);
  return signature.split(' ').some((entry) => {
    const [version, text = ''] = entry.split(',', 2);
    const given = Buffer.from(text, 'base64');
    return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
