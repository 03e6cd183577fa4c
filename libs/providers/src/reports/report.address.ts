import { createHmac, timingSafeEqual } from 'node:crypto';

/** A purchase that a webhook is about. */
export interface ReportedPurchase {
  readonly provider: string;
  /** The key of the purchase. */
  readonly key: string;
}

/** The id of nudges about the report of a purchase. Ids of nudges are one token of a subject. */
export const reportNudgeId = (purchaseKey: string): string => purchaseKey.replaceAll('.', '-');

const PATH = /^\/v1\/webhooks\/([a-z][a-z0-9-]{0,39})\/([\w.-]{1,200})\/([\w-]{43})$/;

function macOf(secret: string, { provider, key }: ReportedPurchase): Buffer {
  return createHmac('sha256', secret).update(`clipmesh.report.1\n${provider}\n${key}`).digest();
}

/**
 * The address for the report of a purchase. Nobody can guess it without the secret. It is itself a secret, and belongs in no log or
 * trace. `base`: the URL under which the provider reaches the gateway. Throws `RangeError` for a
 * key or a provider that is no path segment.
 */
export function reportAddress(base: string, secret: string, purchase: ReportedPurchase): string {
  const { provider, key } = purchase;
  const path = `/v1/webhooks/${provider}/${key}/${macOf(secret, purchase).toString('base64url')}`;
  if (!PATH.test(path)) throw new RangeError('the key of the purchase cannot be part of an address');
  return new URL(path, base).href;
}

/** The purchase of a path that {@link reportAddress} made with this secret. Undefined: it did not. Takes constant time. */
export function reportedPurchase(path: string, secret: string): ReportedPurchase | undefined {
  const [, provider, key, mac] = PATH.exec(path) ?? [];
  if (provider === undefined || key === undefined || mac === undefined) return undefined;
  const given = Buffer.from(mac, 'base64url');
  const expected = macOf(secret, { provider, key });
  return given.length === expected.length && timingSafeEqual(given, expected) ? { provider, key } : undefined;
}
