import { ClipmeshError } from '@clipmesh/contracts';
import { APIConnectionTimeoutError, APIError } from 'openai';
import { z } from 'zod';
import { BAD_ANSWER_CODE, REFUSAL_CODES, REFUSAL_TEXT } from './openai.refusals.js';
import { errorOfStatus, errorOfThrown } from '../failures/provider.errors.js';

/** Sent with status 429, like a rate limit. */
const NO_CREDIT = 'insufficient_quota';

const errorSchema = z.object({
  code: z.unknown().optional(),
  type: z.unknown().optional(),
  innererror: z.object({ code: z.unknown().optional() }).nullish(),
  inner_error: z.object({ code: z.unknown().optional() }).nullish(),
  provider_specific_fields: z.object({ innererror: z.object({ code: z.unknown().optional() }).nullish() }).nullish(),
  /** OpenRouter's moderation answers 403 with its reasons. */
  metadata: z
    .object({ reasons: z.array(z.unknown()).min(1) })
    .nullish()
    .catch(undefined),
});

/** The fields of the client's error that are read. */
interface CallError {
  readonly code?: unknown;
  readonly error?: unknown;
  readonly message: string;
}

/** The failure code for an HTTP error's own codes; undefined when only its status says something. */
export function codeOf(
  error: CallError,
): 'PREDICTION_REFUSED' | 'PROVIDER_BAD_ANSWER' | 'PROVIDER_OUT_OF_CREDIT' | undefined {
  const body = errorSchema.safeParse(error.error ?? {}).data;
  const inner = body?.innererror ?? body?.inner_error ?? body?.provider_specific_fields?.innererror;
  const codes = [error.code, body?.code, body?.type, inner?.code].map((code) => String(code).toLowerCase());
  if (codes.includes(NO_CREDIT)) return 'PROVIDER_OUT_OF_CREDIT';
  if (codes.includes(BAD_ANSWER_CODE)) return 'PROVIDER_BAD_ANSWER';
  const isRefused = codes.some((code) => REFUSAL_CODES.has(code)) || Boolean(body?.metadata);
  return isRefused || error.message.toLowerCase().endsWith(REFUSAL_TEXT) ? 'PREDICTION_REFUSED' : undefined;
}

/** A call of OpenAI's API or of a compatible one. */
export interface OpenAiCall {
  /** Begins the messages of errors. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Texts of the request, which an error may quote. */
  readonly quoted: readonly string[];
}

/** Runs a call with a time limit, which includes the body of its response, and maps its errors. Throws `ClipmeshError`. */
export async function callOpenAi<T>(
  { name, timeoutMs, signal, quoted }: OpenAiCall,
  call: (bounded: AbortSignal) => Promise<T>,
): Promise<T> {
  // The client's own timeout covers the time to the headers only.
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await call(AbortSignal.any([signal, timeout]));
  } catch (cause) {
    const status: unknown = cause instanceof APIError ? cause.status : undefined;
    if (cause instanceof APIError) {
      const code = codeOf(cause);
      if (code !== undefined) throw new ClipmeshError(code, `${name}: ${cause.message}`, { cause });
    }
    if (cause instanceof APIError && typeof status === 'number') {
      const headers: unknown = cause.headers;
      const known = headers instanceof Headers ? { headers } : {};
      throw errorOfStatus(name, { status, body: cause.message, ...known }, Date.now(), quoted);
    }
    const timedOut = timeout.aborted || cause instanceof APIConnectionTimeoutError;
    throw errorOfThrown(name, cause, { caller: signal.aborted, timeout: timedOut });
  }
}
