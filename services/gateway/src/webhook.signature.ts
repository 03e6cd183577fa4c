import { createHmac, timingSafeEqual } from 'node:crypto';

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

/** Whether Replicate signed this with the secret (`whsec_` and base64): HMAC-SHA256 over `id.timestamp.body`, compared in constant time. */
export function isSigned({ id, timestamp, signature, body }: SignedWebhook, secret: string, nowMs: number): boolean {
  if (!id || !timestamp || !signature || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs - Number(timestamp) * 1000) > WEBHOOK_TOLERANCE_MS) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  if (key.length === 0) return false;
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  return signature.split(' ').some((entry) => {
    const [version, text = ''] = entry.split(',', 2);
    const given = Buffer.from(text, 'base64');
    return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
