import { ClipmeshError, cutText, type FailureCode, messageOf } from '@clipmesh/contracts';
import { type FailureKind, FAILURE_MEANINGS } from './failure.kinds.js';
import { failureKindOf } from './prediction.failure.js';
import { type Refusal, retryAfterOf } from './retry.after.js';

/** The failure code of an HTTP error status. */
export function codeOfStatus(status: number): FailureCode {
  if (status === 429) return 'PROVIDER_RATE_LIMITED';
  if (status === 401 || status === 403) return 'PROVIDER_AUTH';
  if (status === 402) return 'PROVIDER_OUT_OF_CREDIT';
  if (status === 408) return 'PROVIDER_TIMEOUT';
  return status >= 500 || status < 400 ? 'PROVIDER_UNAVAILABLE' : 'PROVIDER_BAD_INPUT';
}

/** Statuses of a refused request, for which the body may say more than the status. */
const REFUSAL_STATUSES: ReadonlySet<number> = new Set([400, 403, 409, 422, 451]);
/** Kinds that are read from the body. Words in a body never turn a refused request into a failure of the service. */
const BODY_KINDS: ReadonlySet<FailureKind> = new Set(['input-refused', 'out-of-credit']);

/**
 * The error of a call with an error status: by its status and, for a refused request, by its body. `quoted` are texts of the request,
 * which the body may quote.
 */
export function errorOfStatus(
  call: string,
  refusal: Refusal,
  nowMs: number,
  quoted: readonly string[] = [],
): ClipmeshError {
  const { status, body = '' } = refusal;
  const after = retryAfterOf(refusal, nowMs);
  const kind = REFUSAL_STATUSES.has(status) ? failureKindOf(body, quoted) : undefined;
  const code = kind !== undefined && BODY_KINDS.has(kind) ? FAILURE_MEANINGS[kind].code : codeOfStatus(status);
  return new ClipmeshError(code, `${call}: status ${status}: ${cutText(body, 500)}`, {
    ...(after === undefined ? {} : { retryAfterMs: after }),
  });
}

/** The error of a call without a response: canceled by the caller, timed out, or a network failure. */
export function errorOfThrown(
  call: string,
  cause: unknown,
  aborted: { caller: boolean; timeout: boolean },
): ClipmeshError {
  if (cause instanceof ClipmeshError) return cause;
  if (aborted.caller) return new ClipmeshError('CANCELED', `${call}: canceled by the caller`, { cause });
  if (aborted.timeout) return new ClipmeshError('PROVIDER_TIMEOUT', `${call}: no response in time`, { cause });
  const reason = messageOf(cause);
  return new ClipmeshError('PROVIDER_UNAVAILABLE', `${call}: ${reason}`, { cause });
}
