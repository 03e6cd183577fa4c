import { isUtf8 } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '@clipmesh/config';
import { shorten } from './problems/issue.text.js';
import { parseMediaType } from './media.type.js';
import { badRequest, ProblemError } from './problems/problem.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Maps an `Authorization` header to its owner, from `owner:key` pairs. Without pairs, every caller is the owner `local`. Keys
 * are compared in constant time.
 */
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

/** Path for reports of the provider. */
export const PROVIDER_REPORT_PATH = '/v1/webhooks/replicate';

/**
 * Whether a request is exempt from the loopback check. A provider report arrives at `publicUrl` under its host name, and its
 * signature authenticates it. Without a public URL, no provider sends reports.
 */
export function isProviderReport(
  { method, path }: { readonly method: string; readonly path: string },
  publicUrl: string | undefined,
): boolean {
  return publicUrl !== undefined && method === 'POST' && path === PROVIDER_REPORT_PATH;
}

/** Throws a 400 for a body that is not UTF-8. Decoding it would change its text. */
export function refuseBrokenText(body: Buffer | undefined): void {
  if (body === undefined || isUtf8(body)) return;
  throw badRequest('body', 'not UTF-8; send the JSON in UTF-8');
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Whether the headers announce a body. */
export const hasBody = ({ 'content-length': length, 'transfer-encoding': transfer }: Headers): boolean =>
  transfer !== undefined || (length !== undefined && length !== '0');

/** Whether a content type is `application/json` or ends in `+json`. */
export const isJson = (contentType: string | undefined): boolean =>
  /^application\/([a-z0-9.+-]+\+)?json$/.test(parseMediaType(contentType ?? '').type);

/** Throws a 415 for a body that is not declared as JSON in UTF-8 (RFC 8259 §8.1). */
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
