import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
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
export function publicUrl(text: string, { allowPrivate }: Pick<PublicRules, 'allowPrivate'>, base?: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url?.protocol !== 'https:' && !(allowPrivate && url?.protocol === 'http:'))
    throw new RequestRefused('only https is taken');
  if (url.username !== '' || url.password !== '') throw new RequestRefused('the URL carries a user or a password');
  return url;
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
export function askPublic(
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
