import { ClipmeshError, cutText, type FailureCode } from '@clipmesh/contracts';
import { type FaultKind, FAULTS } from './fault.kinds.js';
import { faultOf } from './prediction.fault.js';
import { type Refusal, retryAfterOf } from './retry.after.js';

/** The failure code of an HTTP status that is no success. */
export function codeOfStatus(status: number): FailureCode {
  if (status === 429) return 'PROVIDER_RATE_LIMITED';
  if (status === 401 || status === 403) return 'PROVIDER_AUTH';
  if (status === 402) return 'PROVIDER_OUT_OF_CREDIT';
  if (status === 408) return 'PROVIDER_TIMEOUT';
  return status >= 500 || status < 400 ? 'PROVIDER_UNAVAILABLE' : 'PROVIDER_BAD_INPUT';
}

/** Statuses with which a service refuses what it was asked for, so that the body may tell more than the status. */
const OF_THE_REQUEST: ReadonlySet<number> = new Set([400, 403, 409, 422, 451]);
/** What a body may say beyond its status. A word in it never makes a refused request a failure of the service. */
const SAID_BY_BODY: ReadonlySet<FaultKind> = new Set(['input-refused', 'out-of-credit']);

/**
 * The error of a refused call: by its status and, for a request that was refused, by what its body says. `quoted` is what was
 * sent: the body may quote it.
 */
export function errorOfStatus(
  call: string,
  refusal: Refusal,
  nowMs: number,
  quoted: readonly string[] = [],
): ClipmeshError {
  const { status, body = '' } = refusal;
  const after = retryAfterOf(refusal, nowMs);
  const kind = OF_THE_REQUEST.has(status) ? faultOf(body, quoted) : undefined;
  const code = kind !== undefined && SAID_BY_BODY.has(kind) ? FAULTS[kind].code : codeOfStatus(status);
  return new ClipmeshError(code, `${call}: status ${status}: ${cutText(body, 500)}`, {
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
