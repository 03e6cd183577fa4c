import { createHmac, randomBytes } from 'node:crypto';
import { type WebhookRegistrations } from '@clipmesh/persistence';
import { Webhook } from 'standardwebhooks';

/** Settings for signatures of deliveries to a `webhookUrl`. */
export interface SigningRules {
  /** Secret of the deployment; each owner's secret is derived from it. Absent: these deliveries are not signed. */
  readonly secret: string | undefined;
  /** How long the previous secret also signs after a rotation, ms. */
  readonly overlapMs: number;
}

type Rotation = NonNullable<WebhookRegistrations['rotation']>;

/** A random secret of 192 bits in the Standard Webhooks format. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`;

/**
 * The secret of one owner for deliveries to a `webhookUrl`, in the Standard Webhooks format. It is derived from the secret of
 * the deployment, so that nothing is stored and owners cannot sign for each other. `version`: 1, plus one per rotation.
 */
export function ownerSecret(deployment: string, owner: string, version: number): string {
  const key = Buffer.from(deployment.replace(/^whsec_/, ''), 'base64');
  const derived = createHmac('sha256', key).update(`clipmesh.webhook.${version}.${owner}`);
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

/** The `webhook-signature` of a body (https://www.standardwebhooks.com). `timestamp`: seconds since the epoch. */
export function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  return new Webhook(secret).sign(id, new Date(Number(timestamp) * 1000), body);
}
