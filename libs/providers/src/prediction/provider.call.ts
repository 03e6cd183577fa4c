import { textsIn } from '../failures/prediction.failure.js';
import { errorOfStatus, errorOfThrown } from '../failures/provider.errors.js';
import { type RateLimiter } from '../limits/rate.limiter.js';
import { spanEvent } from '../provider.events.js';

/** Cool-down after a 429 without a time, ms. */
const DEFAULT_COOL_DOWN_MS = 1000;

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

/** Creates the calls of a provider. A 429 pauses all of them. `callTimeoutMs`: time limit of each call. */
export function createProviderCall(limiter: RateLimiter, callTimeoutMs: number): ProviderCall {
  return async (url, init, { isCreate, accepts = () => false }) => {
    const call = `${init.method ?? 'GET'} ${new URL(url).pathname}`;
    const caller = init.signal ?? new AbortController().signal;
    let timeout: AbortSignal | undefined;
    try {
      if (!isCreate) await limiter.acquire('call', caller);
      timeout = AbortSignal.timeout(callTimeoutMs);
      const response = await fetch(url, { ...init, signal: AbortSignal.any([caller, timeout]) });
      // Read here, so that a connection lost in the middle of the body is handled like any other.
      const { status, headers } = response;
      const answer = { status, headers, body: await response.text() };
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
