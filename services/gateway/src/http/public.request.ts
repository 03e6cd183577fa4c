import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { cutText } from '@clipmesh/contracts';
import ipaddr from 'ipaddr.js';
import { useAgent } from 'request-filtering-agent';

export interface PublicRules {
  /** Timeout from the first connection to the last byte, ms. */
  readonly timeoutMs: number;
  /** Also allow plain http, and addresses of this machine and of private networks. */
  readonly allowPrivate: boolean;
}

/** A request to an untrusted URL was refused or failed. The message is safe to return: it reveals nothing about the network. */
export class RequestRefused extends Error {}

/** Parses an untrusted URL. It must use https and have no credentials. Throws {@link RequestRefused}. */
export function parsePublicUrl(text: string, { allowPrivate }: Pick<PublicRules, 'allowPrivate'>, base?: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url?.protocol !== 'https:' && !(allowPrivate && url?.protocol === 'http:'))
    throw new RequestRefused('only https is allowed');
  if (url.username !== '' || url.password !== '') throw new RequestRefused('the URL contains a user or a password');
  return url;
}

/** Names outside the public DNS (RFC 2606, 6761, 6762, 7686, 8375, and ICANN's `internal`). */
const PRIVATE_NAMES = ['localhost', 'local', 'internal', 'invalid', 'test', 'onion', 'home.arpa'];

/** Why requests to this host are never allowed. Undefined when they may be. Does not resolve names. */
export function undeliverableReason({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (ipaddr.isValid(host))
    return ipaddr.process(host).range() === 'unicast'
      ? undefined
      : 'addresses of this machine and of private networks are not allowed';
  if (PRIVATE_NAMES.some((name) => host === name || host.endsWith(`.${name}`)) || !host.includes('.'))
    return `${cutText(host, 64)} is not a public host name`;
  return undefined;
}

export interface PublicCall {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Sends a request to an untrusted URL. The caller must read or destroy the response body. Connects only to public addresses;
 * the address is checked when the connection is made.
 */
export function requestPublic(
  url: URL,
  { method, headers, body }: PublicCall,
  { allowPrivate }: Pick<PublicRules, 'allowPrivate'>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const agent = useAgent(url.href, { allowPrivateIPAddress: allowPrivate });
    const send = url.protocol === 'https:' ? requestSecure : requestPlain;
    const request = send(url, { agent, method, headers: { ...headers, 'user-agent': 'clipmesh' }, signal }, resolve).on(
      'error',
      reject,
    );
    // Without this handler, a protocol upgrade closes the connection without an error.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    request.end(body);
  });
}
