import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { cutText } from '@clipmesh/contracts';
import ipaddr from 'ipaddr.js';
import { useAgent } from 'request-filtering-agent';

export interface PublicRules {
  /** From the first connection to the last byte, ms. */
  readonly timeoutMs: number;
  /** Also plain http, and addresses of this machine and of private networks. */
  readonly allowPrivate: boolean;
}

/** Why nothing was asked, for the one who gave the URL: it tells nothing of the network here. */
export class RequestRefused extends Error {}

/** A URL that a stranger gave, when it may be asked: https, without a user. Throws {@link RequestRefused}. */
export function parsePublicUrl(text: string, { allowPrivate }: Pick<PublicRules, 'allowPrivate'>, base?: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url?.protocol !== 'https:' && !(allowPrivate && url?.protocol === 'http:'))
    throw new RequestRefused('only https is taken');
  if (url.username !== '' || url.password !== '') throw new RequestRefused('the URL carries a user or a password');
  return url;
}

/** Names that no public resolver answers (RFC 2606, 6761, 6762, 7686, 8375, and ICANN's `internal`). */
const PRIVATE_NAMES = ['localhost', 'local', 'internal', 'invalid', 'test', 'onion', 'home.arpa'];

/** Why no request to this host can ever be answered from here, by its text alone: no name is resolved. Undefined: it may be. */
export function undeliverableReason({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (ipaddr.isValid(host))
    return ipaddr.process(host).range() === 'unicast'
      ? undefined
      : 'addresses of this machine and of private networks are not called';
  if (PRIVATE_NAMES.some((name) => host === name || host.endsWith(`.${name}`)) || !host.includes('.'))
    return `${cutText(host, 64)} is no name of the public internet`;
  return undefined;
}

export interface PublicCall {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * The answer, its body still to be read or destroyed. Only addresses of the public internet are connected to, looked at
 * when the connection is made.
 */
export function requestPublic(
  url: URL,
  { method, headers, body }: PublicCall,
  { allowPrivate }: Pick<PublicRules, 'allowPrivate'>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const agent = useAgent(url.href, { allowPrivateIPAddress: allowPrivate });
    const ask = url.protocol === 'https:' ? requestSecure : requestPlain;
    const request = ask(url, { agent, method, headers: { ...headers, 'user-agent': 'clipmesh' }, signal }, resolve).on(
      'error',
      reject,
    );
    // Without this, an answer that asks for another protocol ends the request without a word.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    request.end(body);
  });
}
