import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback } from './access.js';
import { ProblemError } from './problem.js';

/** Who may read the metrics. */
export interface ScrapeRules {
  /** Whoever sends it. Default: none. */
  readonly token: string | undefined;
  /** The gateway has no API key and no public URL, so that without a token whoever is on this machine may read them. */
  readonly isLocal: boolean;
}

/** What the permission to read the metrics is judged by. */
export interface Scrape {
  readonly authorization: string | undefined;
  /** Address of the other end of the connection. */
  readonly address: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
/** What a proxy adds: behind one, every client seems to be on this machine. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/** Throws when METRICS_TOKEN would let an owner read the figures of all. */
export function refuseSharedToken(token: string | undefined, pairs: readonly string[]): void {
  if (token === undefined || !pairs.some((pair) => pair.slice(pair.indexOf(':') + 1) === token)) return;
  throw new Error('METRICS_TOKEN is one of the keys in API_KEYS: its owner could read the figures of all owners');
}

/**
 * Whether somebody may read the metrics: with METRICS_TOKEN whoever sends it, without it whoever is on this machine, where
 * the gateway has no API key and no PUBLIC_URL. With one of these a proxy on this machine may pass on requests of others,
 * and a plain one adds no header. An owner's key gives no access. Throws a 401 or a 403.
 */
export function checkScrape({ token, isLocal }: ScrapeRules, { authorization, address, headers }: Scrape): void {
  if (token !== undefined) {
    const given = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return;
    throw new ProblemError(
      401,
      'UNAUTHORIZED',
      'The metrics token is needed',
      'send Authorization: Bearer <METRICS_TOKEN>; an API key does not give access',
      { headers: { 'WWW-Authenticate': 'Bearer' } },
    );
  }
  const isHere = address !== undefined && isLoopback(address.replace(/^::ffff:/, ''));
  if (isLocal && isHere && !FORWARDED.some((name) => headers[name] !== undefined)) return;
  throw new ProblemError(
    403,
    'METRICS_CLOSED',
    'The metrics are closed',
    isLocal
      ? 'without METRICS_TOKEN only this machine reads them; set it, and send Authorization: Bearer <METRICS_TOKEN>'
      : 'with API_KEYS or PUBLIC_URL they need METRICS_TOKEN; set it, and send Authorization: Bearer <METRICS_TOKEN>',
    { extensions: { retryable: false } },
  );
}
