import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { type Prediction } from '../predictions/prediction.lifecycle.js';
import { sendWebhook } from '../predictions/webhook.sender.js';
import { resultOf } from './fal.view.js';

const USER_ID = 'sandbox-user';
/** fal tries ten times within two hours; the sandbox within four minutes. */
const DELAYS_MS = [0, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 100_000] as const;

/** The key pair that signs webhooks, with its public part as a JWKS. */
export interface WebhookKeys {
  readonly privateKey: KeyObject;
  readonly jwks: object;
}

/** A new ED25519 key pair. */
export function newWebhookKeys(): WebhookKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'sandbox' }] } };
}

/** Reports a request that has ended to its webhook, signed as fal does. */
export async function reportTo(
  prediction: Prediction,
  { filesUrl, keys, signal }: { filesUrl: string; keys: WebhookKeys; signal: AbortSignal },
): Promise<void> {
  const { id, webhook } = prediction;
  if (webhook === undefined) return;
  const { status, body: payload } = resultOf(prediction, filesUrl);
  const body = JSON.stringify({
    request_id: id,
    // Differs from the request id after a retry of the platform.
    gateway_request_id: randomUUID(),
    status: status === 200 ? 'OK' : 'ERROR',
    ...(status === 200 ? {} : { error: `Invalid status code: ${status}` }),
    payload,
  });
  const bodyHash = createHash('sha256').update(body).digest('hex');
  await sendWebhook(
    webhook,
    body,
    (sentAt) => {
      const timestamp = String(Math.floor(sentAt.getTime() / 1000));
      const text = [id, USER_ID, timestamp, bodyHash].join('\n');
      return {
        'x-fal-webhook-request-id': id,
        'x-fal-webhook-user-id': USER_ID,
        'x-fal-webhook-timestamp': timestamp,
        'x-fal-webhook-signature': sign(null, Buffer.from(text), keys.privateKey).toString('hex'),
      };
    },
    signal,
    DELAYS_MS,
  );
}
