import { ClipmeshError } from '@clipmesh/contracts';
import { type RateLimiter } from '../limits/rate.limiter.js';
import { createProviderCall } from '../prediction/provider.call.js';

/** A status that the client neither accepts nor retries. */
const FAILED_CALL = 499;

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
  const call = createProviderCall(limiter, callTimeoutMs);
  return {
    async fetch(input, init = {}) {
      const url = input instanceof Request ? input.url : String(input);
      const isCreate = init.method === 'POST' && url.endsWith('/predictions');
      try {
        const { body } = await call(url, init, { isCreate });
        return new Response(body, { status: 200, headers: { 'content-type': 'application/json' } });
      } catch (error) {
        return failed(error as ClipmeshError);
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
