import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { messageOf } from '@clipmesh/contracts';

export interface CogCall {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly url: URL;
  readonly body?: unknown;
  /** Default: none but those of the body. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** A longer answer is an error. */
  readonly maxBytes: number;
}
export interface CogAnswer {
  readonly status: number;
  /** Undefined: the answer is not JSON. */
  readonly body: unknown;
}

/**
 * One call to a Cog server. It has no time limit but the signal: `fetch` gives up on an answer after 5 minutes, and a held prediction
 * answers at its end. Rejects when there is no complete answer.
 */
export function callCog({ method, url, body, headers: more = {}, signal, maxBytes }: CogCall): Promise<CogAnswer> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const ofBody =
      payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) };
    const headers = { ...more, ...ofBody };
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    // Without an agent: a kept connection may be dead, and a call is never repeated.
    const call = send(url, { method, headers, signal, agent: false }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > maxBytes) call.destroy(new Error(`the answer is larger than ${maxBytes} bytes`));
        else parts.push(part);
      });
      response.once('error', reject);
      response.once('close', () => {
        if (!response.complete) reject(new Error('the connection broke before the end of the answer'));
        else resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(parts).toString('utf8')) });
      });
    });
    call.once('error', (error) => {
      reject(new Error(messageOf(error), { cause: error }));
    });
    call.end(payload);
  });
}

/** System errors of a connection that was never made. */
const NO_CONNECTION: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Whether an error of {@link callCog} means that the server certainly did not get the call. */
export const isUnsent = (error: unknown): boolean =>
  error instanceof Error && NO_CONNECTION.has((error.cause as NodeJS.ErrnoException | undefined)?.code);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
