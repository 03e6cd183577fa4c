import { ClipmeshError } from '@clipmesh/contracts';
import { textsIn } from '../failures/prediction.failure.js';
import { spanEvent } from '../provider.events.js';
import { errorOfStatus, errorOfThrown } from '../failures/provider.errors.js';
import { type RateLimiter } from '../limits/rate.limiter.js';

/** Cool-down after a 429 without a time, ms. */
const DEFAULT_COOL_DOWN_MS = 1000;
/** A status that the client neither accepts nor retries. */
const FAILED_CALL = 499;

/** The texts in a request body. */
function textsOfBody(body: unknown): string[] {
  try {
    return typeof body === 'string' ? textsIn(JSON.parse(body)) : [];
  } catch {
    return [];
  }
}

export interface ReplicateFetch {
  readonly fetch: (input: URL | string | Request, init?: RequestInit) => Promise<Response>;
  /** The original error for an error of the client. */
  readonly errorOf: (thrown: unknown) => ClipmeshError;
}

/**
 * A `fetch` for the Replicate client that never throws. The client retries thrown errors, 429s and (for GETs) 5xx five times; for a POST
 * that would be a second purchase. So a failed call returns a response whose status the client does not retry, and `errorOf` finds the
 * error by that response.
 */
export function createReplicateFetch(limiter: RateLimiter, callTimeoutMs: number): ReplicateFetch {
  const errors = new WeakMap<object, ClipmeshError>();
  const failed = (error: ClipmeshError): Response => {
    const response = new Response(error.message, { status: FAILED_CALL });
    errors.set(response, error);
    return response;
  };
  return {
    async fetch(input, init = {}) {
      const method = init.method ?? 'GET';
      const url = input instanceof Request ? input.url : String(input);
      const call = `${method} ${new URL(url).pathname}`;
      const caller = init.signal ?? new AbortController().signal;
      const isCreate = method === 'POST' && url.endsWith('/predictions');
      let timeout: AbortSignal | undefined;
      try {
        // A create acquires its token before its intent is written.
        if (!isCreate) await limiter.acquire('call', caller);
        timeout = AbortSignal.timeout(callTimeoutMs);
        const response = await fetch(url, { ...init, signal: AbortSignal.any([caller, timeout]) });
        // Read here, so that a connection lost in the middle of the body is handled like any other.
        const body = await response.text();
        if (response.ok) return new Response(body, { status: 200, headers: { 'content-type': 'application/json' } });
        const refusal = { status: response.status, headers: response.headers, body };
        const error = errorOfStatus(call, refusal, Date.now(), textsOfBody(init.body));
        spanEvent('provider.call.failed', { call, code: error.code, status: response.status });
        if (error.code === 'PROVIDER_RATE_LIMITED') await limiter.coolDown(error.retryAfterMs ?? DEFAULT_COOL_DOWN_MS);
        return failed(error);
      } catch (cause) {
        // Only the time limit can end a create.
        const timedOut = timeout?.aborted === true || (isCreate && caller.aborted);
        const error = errorOfThrown(call, cause, { caller: !isCreate && caller.aborted, timeout: timedOut });
        spanEvent('provider.call.failed', { call, code: error.code });
        return failed(error);
      }
    },
    errorOf(thrown) {
      if (thrown instanceof ClipmeshError) return thrown;
      const response: unknown = thrown instanceof Error && 'response' in thrown ? thrown.response : undefined;
      const known = typeof response === 'object' && response !== null ? errors.get(response) : undefined;
      return known ?? new ClipmeshError('PROVIDER_BAD_ANSWER', `replicate: ${String(thrown)}`, { cause: thrown });
    },
  };
}
