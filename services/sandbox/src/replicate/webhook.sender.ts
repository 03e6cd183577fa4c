import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_DELAYS_MS = [0, 500, 2000] as const;
const TRY_TIMEOUT_MS = 5000;

/** A new secret: `whsec_` and 24 random bytes in base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

/** The signature of Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`. */
export function signWebhook(secret: string, id: string, timestamp: string, body: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** Posts the body, with up to three tries of 5 s each. Resolves with whether it was delivered. Never rejects. */
export async function sendWebhook(
  url: string,
  id: string,
  body: string,
  secret: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (const delayMs of RETRY_DELAYS_MS) {
    try {
      await sleep(delayMs, undefined, { signal, ref: false });
      const timestamp = String(Math.floor(Date.now() / 1000));
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signWebhook(secret, id, timestamp, body),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TRY_TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      if (response.ok) return true;
    } catch {
      if (signal.aborted) return false;
    }
  }
  return false;
}
