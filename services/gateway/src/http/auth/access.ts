import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '@clipmesh/config';
import {
  type ProviderSettings,
  REPORT_LANES,
  type ReportedPurchase,
  reportedPurchase,
  type ReportLane,
} from '@clipmesh/providers';
import { ProblemError } from '../problems/problem.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The owner of a gateway without API keys. */
const LOCAL = 'local';

/** The owners of `owner:key` pairs, each once. Without pairs: `local`. */
export function ownersOf(pairs: readonly string[]): string[] {
  return pairs.length === 0 ? [LOCAL] : [...new Set(pairs.map((pair) => pair.slice(0, pair.indexOf(':'))))];
}

/**
 * Maps an `Authorization` header to its owner, from `owner:key` pairs. Without pairs, every caller is the owner `local`. Keys
 * are compared in constant time.
 */
export function createAccess(pairs: readonly string[]): (authorization: string | undefined) => string | undefined {
  if (pairs.length === 0) return () => LOCAL;
  const keys = pairs.map((pair) => ({
    owner: pair.slice(0, pair.indexOf(':')),
    key: digest(pair.slice(pair.indexOf(':') + 1)),
  }));
  return (authorization) => {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const given = digest(token);
    return keys.filter(({ key }) => timingSafeEqual(key, given))[0]?.owner;
  };
}

/** Throws when other machines could reach the gateway without an API key. */
export function refuseUnprotectedHost(host: string, pairs: readonly string[]): void {
  if (pairs.length > 0 || isLoopback(host)) return;
  throw new Error(
    `GATEWAY_HOST is ${host}, which other machines can reach, and API_KEYS is empty; set API_KEYS=owner:key, or listen on 127.0.0.1`,
  );
}

/** The host name of a `Host` header. */
const nameOf = (header: string): string => header.replace(/:\d*$/, '');

const originIsLoopback = (origin: string): boolean => URL.canParse(origin) && isLoopback(new URL(origin).hostname);

/**
 * Without API keys, any process on this machine may call, including web pages in its browser. Throws a 403 for the `Origin`
 * of another site, and a 421 for a `Host` that is not a loopback name (DNS rebinding).
 */
export function refuseForeignOrigin(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  pairs: readonly string[],
): void {
  if (pairs.length > 0) return;
  if (headers.host === undefined || !isLoopback(nameOf(headers.host)))
    throw new ProblemError(
      421,
      'WRONG_HOST',
      'The gateway does not serve this host',
      'without API_KEYS the gateway serves only loopback names: use http://127.0.0.1, or set API_KEYS',
    );
  if (headers.origin !== undefined && !originIsLoopback(headers.origin))
    throw new ProblemError(
      403,
      'FOREIGN_ORIGIN',
      'Web pages of other sites are not allowed',
      'without API_KEYS the gateway accepts only pages from this machine; set API_KEYS and send Authorization: Bearer <key>',
    );
}

/** A provider whose reports a path is for. They have no API key: a signature or the address authenticates them. */
export interface ReportSender {
  readonly provider: string;
  readonly lane: ReportLane<ProviderSettings>;
}

const WEBHOOKS = '/v1/webhooks';

/** The routes of reports. */
export const REPORT_ROUTES: readonly string[] = [...REPORT_LANES].map(([provider, { address }]) =>
  address === 'shared' ? `${WEBHOOKS}/${provider}` : `${WEBHOOKS}/${provider}/:key/:mac`,
);

/** The provider whose reports a path is for, also when the rest of the address is wrong. Undefined: any other path. */
export function reportSenderOf(path: string): ReportSender | undefined {
  const [, provider = '', rest] = /^\/v1\/webhooks\/([^/]+)(\/.*)?$/s.exec(path) ?? [];
  const lane = REPORT_LANES.get(provider);
  return lane === undefined || (lane.address === 'shared') !== (rest === undefined) ? undefined : { provider, lane };
}

/**
 * Whether a request is exempt from the loopback check. A provider report arrives at a configured URL under its host name. Without the
 * URL, the provider sends no reports.
 */
export function isProviderReport(
  { method, path }: { readonly method: string; readonly path: string },
  settings: ProviderSettings,
): boolean {
  return method === 'POST' && reportSenderOf(path)?.lane.urlOf(settings) !== undefined;
}

/**
 * The purchase in the address of a report; undefined for another path, and for a provider whose reports all have one address. Throws a
 * 401 when the address was not made with the secret of the settings.
 */
export function purchaseOfReport(path: string, settings: ProviderSettings): ReportedPurchase | undefined {
  const lane = reportSenderOf(path)?.lane;
  if (lane === undefined || lane.address === 'shared') return undefined;
  const secret = lane.secretOf(settings);
  const purchase = secret === undefined ? undefined : reportedPurchase(path, secret);
  if (purchase === undefined) throw forgedAddress();
  return purchase;
}

/** A 401 for a report at an address that was never given to a provider. */
export const forgedAddress = (): ProblemError =>
  new ProblemError(
    401,
    'WEBHOOK_ADDRESS_INVALID',
    'The address is not valid',
    'the address of this webhook was not made with PROVIDER_WEBHOOK_SECRET',
  );
