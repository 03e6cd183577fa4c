import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback } from './access.js';
import { ProblemError } from './problem.js';

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
 * Whether somebody may read the metrics: with METRICS_TOKEN whoever sends it, without it whoever is on this machine. An
 * owner's key gives no access. Throws a 401 or a 403.
 */
export function checkScrape(token: string | undefined, { authorization, address, headers }: Scrape): void {
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
  if (isHere && !FORWARDED.some((name) => headers[name] !== undefined)) return;
  throw new ProblemError(
    403,
    'METRICS_CLOSED',
    'The metrics are read on this machine only',
    'set METRICS_TOKEN to read them from elsewhere, and send Authorization: Bearer <METRICS_TOKEN>',
    { extensions: { retryable: false } },
  );
}
