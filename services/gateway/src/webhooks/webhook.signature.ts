import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type WebhookRegistrations } from '@clipmesh/persistence';

/** Settings for signatures of deliveries to a `webhookUrl`. */
export interface SigningRules {
  /** Secret of the deployment; each owner's secret is derived from it. Absent: these deliveries are not signed. */
  readonly secret: string | undefined;
  /** How long the previous secret also signs after a rotation, ms. */
  readonly overlapMs: number;
}

type Rotation = NonNullable<WebhookRegistrations['rotation']>;

/** Maximum difference between the timestamp of a webhook and the local clock, ms. */
export const WEBHOOK_TOLERANCE_MS = 5 * 60_000;

export interface SignedWebhook {
  readonly id: string | undefined;
  /** Seconds since the epoch, as sent. */
  readonly timestamp: string | undefined;
  /** Space-separated `version,base64` entries. Only version `v1` is checked. */
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

const keyOf = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
const hmac = (key: Buffer, id: string, timestamp: string, body: string | Uint8Array): Buffer =>
  createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();

/** A random secret of 192 bits in the Standard Webhooks format. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`;

/**
 * The secret of one owner for deliveries to a `webhookUrl`, in the Standard Webhooks format. It is derived from the secret of
 * the deployment, so that nothing is stored and owners cannot sign for each other. `version`: 1, plus one per rotation.
 */
export function ownerSecret(deployment: string, owner: string, version: number): string {
  const derived = createHmac('sha256', keyOf(deployment)).update(`clipmesh.webhook.${version}.${owner}`);
  return `whsec_${derived.digest('base64')}`;
}

/** Whether the previous secret still signs after a rotation. */
export const isOverlap = (
  rotation: Rotation | undefined,
  { overlapMs, nowMs }: { readonly overlapMs: number; readonly nowMs: number },
): boolean => rotation !== undefined && nowMs - Date.parse(rotation.rotatedAt) < overlapMs;

/** The secrets that sign for an owner: the current one, and the previous one for `overlapMs` after a rotation. */
export function ownerSecrets(
  deployment: string,
  owner: string,
  rotation: Rotation | undefined,
  times: { readonly overlapMs: number; readonly nowMs: number },
): readonly [string, ...string[]] {
  const version = rotation?.version ?? 1;
  const current = ownerSecret(deployment, owner, version);
  return isOverlap(rotation, times) ? [current, ownerSecret(deployment, owner, version - 1)] : [current];
}

/** The `webhook-signature` of a body (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`. `timestamp`: seconds since the epoch. */
export function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  return `v1,${hmac(keyOf(secret), id, timestamp, body).toString('base64')}`;
}

/** Verifies a signature with a secret (`whsec_` and base64), in constant time. */
export function isSigned({ id, timestamp, signature, body }: SignedWebhook, secret: string, nowMs: number): boolean {
  if (!id || !timestamp || !signature || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs - Number(timestamp) * 1000) > WEBHOOK_TOLERANCE_MS) return false;
  const key = keyOf(secret);
  if (key.length === 0) return false;
  const expected = hmac(key, id, timestamp, body);
  return signature.split(' ').some((entry) => {
    const [version, text = ''] = entry.split(',', 2);
    const given = Buffer.from(text, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
