import { ClipmeshError, cutText, type FailureCode } from '@clipmesh/contracts';

/** Longest pause a provider may ask for, ms: a wrong header must not stop us for a day. */
export const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** `Retry-After` in ms from now: seconds or an HTTP date; undefined when absent or unreadable. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(wait) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(wait)));
}

/** The failure code of an HTTP status that is no success. */
export function codeOfStatus(status: number): FailureCode {
  if (status === 429) return 'PROVIDER_RATE_LIMITED';
  if (status === 401 || status === 403) return 'PROVIDER_AUTH';
  if (status === 402) return 'PROVIDER_OUT_OF_CREDIT';
  if (status === 408) return 'PROVIDER_TIMEOUT';
  return status >= 500 || status < 400 ? 'PROVIDER_UNAVAILABLE' : 'PROVIDER_BAD_INPUT';
}

/** The error of a refused call; `detail` is the provider's own text. */
export function errorOfStatus(
  call: string,
  status: number,
  detail: string,
  retryAfter: string | null,
  nowMs: number,
): ClipmeshError {
  const after = retryAfterMs(retryAfter, nowMs);
  return new ClipmeshError(codeOfStatus(status), `${call}: status ${status}: ${cutText(detail, 500)}`, {
    ...(after === undefined ? {} : { retryAfterMs: after }),
  });
}

/** The error of a call that got no answer: the caller gave up, the time was over, or the network failed. */
export function errorOfThrown(
  call: string,
  cause: unknown,
  aborted: { caller: boolean; timeout: boolean },
): ClipmeshError {
  if (cause instanceof ClipmeshError) return cause;
  if (aborted.caller) return new ClipmeshError('CANCELED', `${call}: canceled by the caller`, { cause });
  if (aborted.timeout) return new ClipmeshError('PROVIDER_TIMEOUT', `${call}: no answer in time`, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ClipmeshError('PROVIDER_UNAVAILABLE', `${call}: ${reason}`, { cause });
}
