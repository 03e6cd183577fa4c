import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type WebhookBook } from '@clipmesh/persistence';

/** How deliveries to the URL of a create are signed. */
export interface SigningRules {
  /** Of the deployment; each owner's secret derives from it. Absent: these deliveries are not signed. */
  readonly secret: string | undefined;
  /** After a rotation the secret before signs too, for this long, ms. */
  readonly overlapMs: number;
}

type Rotation = NonNullable<WebhookBook['rotation']>;

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

/**
 * The secret of one owner for what goes to the URL of a create, as Standard Webhooks writes it: derived from the secret of
 * the deployment, so that nobody can sign for another owner, and nothing is stored. `version`: 1, and one more for each
 * rotation.
 */
export function ownerSecret(deployment: string, owner: string, version: number): string {
  const derived = createHmac('sha256', keyOf(deployment)).update(`clipmesh.webhook.${version}.${owner}`);
  return `whsec_${derived.digest('base64')}`;
}

/** Whether the secret before a rotation signs too now. */
export const isOverlap = (
  rotation: Rotation | undefined,
  { overlapMs, nowMs }: { readonly overlapMs: number; readonly nowMs: number },
): boolean => rotation !== undefined && nowMs - Date.parse(rotation.rotatedAt) < overlapMs;

/** The secrets that sign for an owner now: the current one, and the one before for `overlapMs` after a rotation. */
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
