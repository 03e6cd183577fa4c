import { type IncomingMessage } from 'node:http';
import { untraced, withSpan } from '@clipmesh/tracing';
import { context, SpanKind } from '@opentelemetry/api';
import { requestPublic, parsePublicUrl, type PublicRules, RequestRefused } from '../http/public.request.js';

export interface FetchRules extends PublicRules {
  readonly maxBytes: number;
}

const HEADERS = { accept: 'image/jpeg, image/png' };
const MAX_REDIRECTS = 3;

/**
 * Downloads from an untrusted URL. Connects only over https and only to public addresses; the address is checked at every
 * connection, so also after each redirect. Throws {@link RequestRefused}.
 */
export function fetchPublic(from: string, rules: FetchRules): Promise<Buffer> {
  const work = (): Promise<Buffer> =>
    // Do not send the trace id to an untrusted server, nor record the URL in a span: it may contain a credential.
    context.with(untraced(context.active()), () => read(from, rules));
  return withSpan('clipmesh.gateway', 'fetch reference image', {}, work, SpanKind.CLIENT);
}

async function read(from: string, rules: FetchRules): Promise<Buffer> {
  const signal = AbortSignal.timeout(rules.timeoutMs);
  try {
    let url = parsePublicUrl(from, rules);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const response = await requestPublic(url, { method: 'GET', headers: HEADERS }, rules, signal);
      const { statusCode = 0, headers } = response;
      if (statusCode === 200) return await bodyOf(response, rules);
      response.destroy();
      const isMoved = statusCode >= 300 && statusCode < 400 && headers.location !== undefined;
      if (!isMoved) throw new RequestRefused(`the server answered with status ${statusCode}`);
      url = parsePublicUrl(headers.location ?? '', rules, url.href);
    }
    throw new RequestRefused(`the URL redirects more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (error instanceof RequestRefused) throw error;
    if (signal.aborted)
      throw new RequestRefused(`the download took longer than ${rules.timeoutMs / 1000} s`, { cause: error });
    throw new RequestRefused('the server cannot be reached', { cause: error });
  }
}

async function bodyOf(response: IncomingMessage, { maxBytes }: FetchRules): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop closes the connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new RequestRefused(`the file has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
