import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '@clipmesh/config';
import { ProblemError } from '../http/problems/problem.js';

/** Token of {@link ScrapeRules}. */
export const SCRAPE_RULES = Symbol('SCRAPE_RULES');
/** Rules for access to the metrics. */
export interface ScrapeRules {
  /** The token that gives access. Default: none. */
  readonly token: string | undefined;
  /** The gateway has no API key and no public URL, so that without a token this machine may read the metrics. */
  readonly isLocal: boolean;
}

/** The request data that decides about access to the metrics. */
export interface Scrape {
  readonly authorization: string | undefined;
  /** Remote address of the connection. */
  readonly address: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
/** Headers that proxies add. Behind a proxy, every client seems to be on this machine. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/** Throws when METRICS_TOKEN equals an API key: its owner could read the metrics of all owners. */
export function refuseSharedToken(token: string | undefined, pairs: readonly string[]): void {
  if (token === undefined || !pairs.some((pair) => pair.slice(pair.indexOf(':') + 1) === token)) return;
  throw new Error('METRICS_TOKEN is one of the keys in API_KEYS: its owner could read the metrics of all owners');
}

/**
 * Checks access to the metrics. With METRICS_TOKEN, the request must carry it. Without it, the request must come from this
 * machine, and the gateway must have neither API keys nor a PUBLIC_URL: with one of these, a local proxy may forward requests
 * of others without adding a header. An API key gives no access. Throws a 401 or a 403.
 */
export function checkScrape({ token, isLocal }: ScrapeRules, { authorization, address, headers }: Scrape): void {
  if (token !== undefined) {
    const given = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return;
    throw new ProblemError(
      401,
      'UNAUTHORIZED',
      'The metrics token is required',
      'send Authorization: Bearer <METRICS_TOKEN>; an API key does not give access',
      { headers: { 'WWW-Authenticate': 'Bearer' } },
    );
  }
  const isHere = address !== undefined && isLoopback(address.replace(/^::ffff:/, ''));
  if (isLocal && isHere && !FORWARDED.some((name) => headers[name] !== undefined)) return;
  throw new ProblemError(
    403,
    'METRICS_CLOSED',
    'No access to the metrics',
    isLocal
      ? 'without METRICS_TOKEN only this machine can read the metrics; set it, and send Authorization: Bearer <METRICS_TOKEN>'
      : 'with API_KEYS or PUBLIC_URL the metrics require METRICS_TOKEN; set it, and send Authorization: Bearer <METRICS_TOKEN>',
    { extensions: { retryable: false } },
  );
}
