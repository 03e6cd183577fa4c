import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import { untraced, withSpan } from '@clipmesh/tracing';
import { context, SpanKind } from '@opentelemetry/api';
import { useAgent } from 'request-filtering-agent';

export interface FetchRules {
  /** From the first connection to the last byte, ms. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Also plain http, and addresses of this machine and of private networks. */
  readonly allowPrivate: boolean;
}

const MAX_REDIRECTS = 3;

/** Why nothing was fetched, for the one who gave the URL: it tells nothing of the network here. */
export class FetchRefused extends Error {}

/**
 * The bytes at a URL that a stranger gave. Only https and only addresses of the public internet, looked at when the
 * connection is made, for every redirect anew. Throws {@link FetchRefused}.
 */
export function fetchPublic(from: string, rules: FetchRules): Promise<Buffer> {
  const work = (): Promise<Buffer> =>
    // A stranger's server is told no trace id, and no span the URL: it may be a key to what it names.
    context.with(untraced(context.active()), () => read(from, rules));
  return withSpan('clipmesh.gateway', 'fetch reference image', {}, work, SpanKind.CLIENT);
}

async function read(from: string, rules: FetchRules): Promise<Buffer> {
  const signal = AbortSignal.timeout(rules.timeoutMs);
  try {
    let url = allowed(from, undefined, rules);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const response = await open(url, rules, signal);
      const { statusCode = 0, headers } = response;
      if (statusCode === 200) return await bodyOf(response, rules);
      response.destroy();
      const isMoved = statusCode >= 300 && statusCode < 400 && headers.location !== undefined;
      if (!isMoved) throw new FetchRefused(`the server answered with status ${statusCode}`);
      url = allowed(headers.location ?? '', url.href, rules);
    }
    throw new FetchRefused(`the URL is redirected more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (error instanceof FetchRefused) throw error;
    if (signal.aborted) throw new FetchRefused(`it did not come within ${rules.timeoutMs / 1000} s`, { cause: error });
    throw new FetchRefused('its server cannot be reached from here', { cause: error });
  }
}

function allowed(text: string, base: string | undefined, { allowPrivate }: FetchRules): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url?.protocol !== 'https:' && !(allowPrivate && url?.protocol === 'http:'))
    throw new FetchRefused('only https is fetched');
  if (url.username !== '' || url.password !== '') throw new FetchRefused('the URL carries a user or a password');
  return url;
}

function open(url: URL, { allowPrivate }: FetchRules, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const agent = useAgent(url.href, { allowPrivateIPAddress: allowPrivate });
    const headers = { accept: 'image/jpeg, image/png', 'user-agent': 'clipmesh' };
    const get = url.protocol === 'https:' ? getSecure : getPlain;
    const request = get(url, { agent, headers, signal }, resolve).on('error', reject);
    // Without this, an answer that asks for another protocol ends the request without a word.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
  });
}

async function bodyOf(response: IncomingMessage, { maxBytes }: FetchRules): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new FetchRefused(`it has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
