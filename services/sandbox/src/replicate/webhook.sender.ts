import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

const RETRY_DELAYS_MS = [0, 500, 2000] as const;
const TRY_TIMEOUT_MS = 5000;

/** A new secret: `whsec_` and 24 random bytes in base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

/** Posts the body, signed as Standard Webhooks, with up to three tries of 5 s each. Resolves with whether it was delivered. Never rejects. */
export async function sendWebhook(
  url: string,
  id: string,
  body: string,
  secret: string,
  signal: AbortSignal,
): Promise<boolean> {
  const webhook = new Webhook(secret);
  for (const delayMs of RETRY_DELAYS_MS) {
    try {
      await sleep(delayMs, undefined, { signal, ref: false });
      const sentAt = new Date();
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
          'webhook-signature': webhook.sign(id, sentAt, body),
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
