import { randomBytes, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { type Prediction } from '../predictions/prediction.lifecycle.js';
import { sendWebhook } from '../predictions/webhook.sender.js';
import { present } from './replicate.view.js';

/** A new secret: `whsec_` and 24 random bytes in base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

/** Reports an event of a prediction to its webhook, signed as Standard Webhooks. Does nothing when the caller did not ask for it. */
export async function reportTo(
  prediction: Prediction,
  event: 'start' | 'completed',
  { url, secret, signal }: { url: string; secret: string; signal: AbortSignal },
): Promise<void> {
  const { webhook, webhookEvents } = prediction;
  if (webhook === undefined || !webhookEvents.includes(event)) return;
  const id = `msg_${randomUUID()}`;
  const body = JSON.stringify(present(prediction, url));
  const signer = new Webhook(secret);
  const sign = (sentAt: Date): Record<string, string> => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'webhook-signature': signer.sign(id, sentAt, body),
  });
  await sendWebhook(webhook, body, sign, signal);
}
