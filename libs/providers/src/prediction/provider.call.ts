import { ClipmeshError } from '@clipmesh/contracts';
import { textsIn } from '../failures/prediction.failure.js';
import { errorOfStatus, errorOfThrown } from '../failures/provider.errors.js';
import { type RateLimiter } from '../limits/rate.limiter.js';
import { spanEvent } from '../provider.events.js';

/** Cool-down after a 429 without a time, ms. */
const DEFAULT_COOL_DOWN_MS = 1000;
/** A longer answer is an error. A page of predictions may have clips as data URLs. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** An answer, with its body read. */
export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface CallOptions {
  /** A create that costs money. It acquires its token before its intent is written, and only its time limit can end it. */
  readonly isCreate: boolean;
  /** Whether an answer with this error status is returned instead of thrown. Default: none is. */
  readonly accepts?: (answer: ProviderAnswer) => boolean;
}

/** Sends one call within the rate limit, without a retry. Throws `ClipmeshError`. */
export type ProviderCall = (url: string, init: RequestInit, options: CallOptions) => Promise<ProviderAnswer>;

/** The texts in a request body. */
function textsOfBody(body: unknown): string[] {
  try {
    return typeof body === 'string' ? textsIn(JSON.parse(body)) : [];
  } catch {
    return [];
  }
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new ClipmeshError('PROVIDER_BAD_ANSWER', `the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

/** Creates the calls of a provider. A 429 pauses all of them. `callTimeoutMs`: time limit of each call. */
export function createProviderCall(limiter: RateLimiter, callTimeoutMs: number): ProviderCall {
  return async (url, init, { isCreate, accepts = () => false }) => {
    const call = `${init.method ?? 'GET'} ${new URL(url).pathname}`;
    const caller = init.signal ?? new AbortController().signal;
    let timeout: AbortSignal | undefined;
    try {
      if (!isCreate) await limiter.acquire('call', caller);
      timeout = AbortSignal.timeout(callTimeoutMs);
      // Followed, a redirect could send the request to another host.
      const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.any([caller, timeout]) });
      // Read here, so that a connection lost in the middle of the body is handled like any other.
      const { status, headers } = response;
      const answer = { status, headers, body: await textOf(response) };
      if (response.ok || accepts(answer)) return answer;
      const error = errorOfStatus(call, answer, Date.now(), textsOfBody(init.body));
      spanEvent('provider.call.failed', { call, code: error.code, status });
      if (error.code === 'PROVIDER_RATE_LIMITED') await limiter.coolDown(error.retryAfterMs ?? DEFAULT_COOL_DOWN_MS);
      throw error;
    } catch (cause) {
      const timedOut = timeout?.aborted === true || (isCreate && caller.aborted);
      const error = errorOfThrown(call, cause, { caller: !isCreate && caller.aborted, timeout: timedOut });
      if (error !== cause) spanEvent('provider.call.failed', { call, code: error.code });
      throw error;
    }
  };
}
