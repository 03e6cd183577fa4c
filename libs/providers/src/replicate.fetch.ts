import { ClipmeshError } from '@clipmesh/contracts';
import { textsSent } from './prediction.fault.js';
import { spanEvent } from './provider.events.js';
import { errorOfStatus, errorOfThrown } from './provider.errors.js';
import { type RateLimiter } from './rate.limiter.js';

/** Cool-down after a 429 that names no time, ms. */
const DEFAULT_COOL_DOWN_MS = 1000;
/** A status the client neither accepts nor retries. */
const FAILED_CALL = 499;

/** The texts of a call's body. */
function sentIn(body: unknown): string[] {
  try {
    return typeof body === 'string' ? textsSent(JSON.parse(body)) : [];
  } catch {
    return [];
  }
}

export interface CallDoor {
  readonly fetch: (input: URL | string | Request, init?: RequestInit) => Promise<Response>;
  /** The error behind what the client threw. */
  readonly errorOf: (thrown: unknown) => ClipmeshError;
}

/**
 * The client retries thrown errors, 429s and (for GETs) 5xx five times on its own; a POST among them would be bought again. So nothing is
 * thrown to it: a failed call is a response with a status it gives up on, and the error is kept beside that response.
 */
export function openCallDoor(limiter: RateLimiter, callTimeoutMs: number): CallDoor {
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
        // A create has been let through before its intent was written.
        if (!isCreate) await limiter.acquire('call', caller);
        timeout = AbortSignal.timeout(callTimeoutMs);
        const response = await fetch(url, { ...init, signal: AbortSignal.any([caller, timeout]) });
        // Read here, so that a connection lost in the middle of the body is told apart like any other.
        const body = await response.text();
        if (response.ok) return new Response(body, { status: 200, headers: { 'content-type': 'application/json' } });
        const refusal = { status: response.status, headers: response.headers, body };
        const error = errorOfStatus(call, refusal, Date.now(), sentIn(init.body));
        spanEvent('provider.call.failed', { call, code: error.code, status: response.status });
        if (error.code === 'PROVIDER_RATE_LIMITED') await limiter.coolDown(error.retryAfterMs ?? DEFAULT_COOL_DOWN_MS);
        return failed(error);
      } catch (cause) {
        // Nobody but its time limit ends a create.
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
