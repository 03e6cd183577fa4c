import { isUtf8 } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { shorten } from './issue.text.js';
import { parseMediaType } from './media.type.js';
import { badRequest, ProblemError } from './problem.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** True for `localhost`, 127.0.0.0/8 and ::1, with or without brackets. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** The owner behind a bearer token, from `owner:key` pairs. Without any pair everybody is `local`. Keys are compared in constant time. */
export function createAccess(pairs: readonly string[]): (authorization: string | undefined) => string | undefined {
  if (pairs.length === 0) return () => 'local';
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

/** Throws when the gateway would be open to others without a key. */
export function refuseUnprotectedHost(host: string, pairs: readonly string[]): void {
  if (pairs.length > 0 || isLoopback(host)) return;
  throw new Error(
    `GATEWAY_HOST is ${host}, which others can reach, and API_KEYS is empty; set API_KEYS=owner:key, or listen on 127.0.0.1`,
  );
}

/** The host name of a `Host` header. */
const nameOf = (header: string): string => header.replace(/:\d*$/, '');

const originIsLoopback = (origin: string): boolean => URL.canParse(origin) && isLoopback(new URL(origin).hostname);

/**
 * Without keys anything on this machine may call, a web page in its browser included, unless it is told apart: a page of
 * another site shows in `Origin`, a rebound DNS name in `Host`. Throws 421 or 403 for these.
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
      'This host is not served here',
      'without API_KEYS only loopback names are served: use http://127.0.0.1, or set API_KEYS',
    );
  if (headers.origin !== undefined && !originIsLoopback(headers.origin))
    throw new ProblemError(
      403,
      'FOREIGN_ORIGIN',
      'Pages of other sites may not call',
      'without API_KEYS only pages of this machine may call; set API_KEYS and send Authorization: Bearer <key>',
    );
}

/** Where the provider reports. */
export const PROVIDER_REPORT_PATH = '/v1/webhooks/replicate';

/**
 * Whether the guard of the loopback lets a request pass: a report of the provider comes by way of `publicUrl`, under its host
 * name, and is judged by its signature alone. Without a public URL nobody was told to report.
 */
export function isProviderReport(
  { method, path }: { readonly method: string; readonly path: string },
  publicUrl: string | undefined,
): boolean {
  return publicUrl !== undefined && method === 'POST' && path === PROVIDER_REPORT_PATH;
}

/** Throws a 400 for a body that is not UTF-8: what it holds would be another text than what was sent. */
export function refuseBrokenText(body: Buffer | undefined): void {
  if (body === undefined || isUtf8(body)) return;
  throw badRequest('body', 'not UTF-8; send the JSON in UTF-8');
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Whether a request announces a body. */
export const hasBody = ({ 'content-length': length, 'transfer-encoding': transfer }: Headers): boolean =>
  transfer !== undefined || (length !== undefined && length !== '0');

/** Whether a content type is JSON's own, or that of a format written in JSON. */
export const isJson = (contentType: string | undefined): boolean =>
  /^application\/([a-z0-9.+-]+\+)?json$/.test(parseMediaType(contentType ?? '').type);

/** Throws a 415 for a body that is not declared as JSON, or in another charset than UTF-8 (RFC 8259 §8.1). */
export function refuseOtherBodies(method: string, headers: Headers): void {
  if (!['POST', 'PUT', 'PATCH'].includes(method) || !hasBody(headers)) return;
  const type = String(headers['content-type'] ?? '');
  if (!isJson(type)) throw unsupported('send the body as JSON with Content-Type: application/json');
  const charset = parseMediaType(type).parameters.get('charset') ?? '';
  if (!/^(utf-?8)?$/i.test(charset))
    throw unsupported(`the charset ${shorten(charset)} is not supported; send the JSON in UTF-8`);
}

const unsupported = (detail: string): ProblemError =>
  new ProblemError(415, 'UNSUPPORTED_MEDIA_TYPE', 'The content type is not supported', detail);
