import { type Stage } from '../services.js';
import { ClipmeshError, type Failure, FAILURE_CODES, type FailureCode } from './failure.js';
import { MessageSchemaError } from './schema.error.js';
import { cutStart } from '../text/text.rules.js';

/** Classification of an error for settlement and reports. */
export interface FailureKind {
  readonly code: FailureCode;
  readonly retryable: boolean;
}

/** Codes by the `name` of a library error. This library does not import their classes. */
const BY_NAME: Readonly<Record<string, FailureCode>> = {
  ZodError: 'SCHEMA_VIOLATION',
  $ZodError: 'SCHEMA_VIOLATION',
  // Settlement handles cancels and shutdowns before; any other abort is a deadline.
  AbortError: 'TIMEOUT',
  AlreadyExistsError: 'STORE_UNAVAILABLE',
  ConflictError: 'STORE_UNAVAILABLE',
  ClosedConnectionError: 'STORE_UNAVAILABLE',
  ConnectionError: 'STORE_UNAVAILABLE',
  DrainingConnectionError: 'STORE_UNAVAILABLE',
  JetStreamApiError: 'STORE_UNAVAILABLE',
  JetStreamError: 'STORE_UNAVAILABLE',
  JetStreamNotEnabled: 'STORE_UNAVAILABLE',
  JetStreamStatusError: 'STORE_UNAVAILABLE',
  NoRespondersError: 'STORE_UNAVAILABLE',
  RequestError: 'STORE_UNAVAILABLE',
  StreamNotFoundError: 'STORE_UNAVAILABLE',
  ConsumerNotFoundError: 'STORE_UNAVAILABLE',
  MongoNetworkError: 'STORE_UNAVAILABLE',
  MongoNetworkTimeoutError: 'STORE_UNAVAILABLE',
  MongoServerSelectionError: 'STORE_UNAVAILABLE',
  MongooseServerSelectionError: 'STORE_UNAVAILABLE',
};

/** Codes by the `code` of an operating-system error. */
const BY_SYSTEM_CODE: Readonly<Record<string, FailureCode>> = {
  ENOSPC: 'STORE_UNAVAILABLE',
  EDQUOT: 'STORE_UNAVAILABLE',
  EROFS: 'STORE_UNAVAILABLE',
  ENOMEM: 'OUT_OF_MEMORY',
};

/** Maximum depth of the cause chain. */
const MOST_CAUSES = 8;

const entry = (table: Readonly<Record<string, FailureCode>>, key: unknown): FailureCode | undefined =>
  typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;

/** `code` of a DOMException named TimeoutError. */
const DOM_TIMEOUT = 23;

/** Structural type of an error. `instanceof Error` misses errors of another realm. */
interface ErrorLike {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

function knownCode(error: ErrorLike): FailureCode | undefined {
  if (error instanceof MessageSchemaError) return 'SCHEMA_VIOLATION';
  // Both `AbortSignal.timeout` (a DOMException) and the broker client throw errors of this name.
  if (error.name === 'TimeoutError') return error.code === DOM_TIMEOUT ? 'TIMEOUT' : 'STORE_UNAVAILABLE';
  return entry(BY_NAME, error.name) ?? entry(BY_SYSTEM_CODE, error.code);
}

/** Yields the error and its causes, outermost first. */
function* chainOf(error: unknown): Generator<ErrorLike> {
  let current = error;
  for (let depth = 0; depth < MOST_CAUSES && typeof current === 'object' && current !== null; depth += 1) {
    yield current;
    current = (current as ErrorLike).cause;
  }
}

/** Code and retryability of anything thrown, from the outermost known error in its cause chain. Default: `INTERNAL`. */
export function failureKind(error: unknown): FailureKind {
  for (const one of chainOf(error)) {
    if (one instanceof ClipmeshError) return { code: one.code, retryable: one.retryable };
    const code = knownCode(one);
    if (code !== undefined) return { code, retryable: FAILURE_CODES[code].retryable };
  }
  return { code: 'INTERNAL', retryable: FAILURE_CODES.INTERNAL.retryable };
}

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Maximum length of a failure message, UTF-16 units: enough for ffmpeg's last lines, small enough for a record. */
const MESSAGE_LIMIT = 2000;

/** Converts anything thrown to a failure, classified by {@link failureKind}. A long message keeps its end. */
export function toFailure(error: unknown, where: { stage: Stage; scene?: number; model?: string }): Failure {
  const { code, retryable } = failureKind(error);
  const text = messageOf(error);
  const known = [...chainOf(error)].find((one) => one instanceof ClipmeshError);
  return {
    code,
    stage: where.stage,
    ...(where.scene === undefined ? {} : { scene: where.scene }),
    ...(where.model === undefined ? {} : { model: where.model }),
    message: cutStart(text, MESSAGE_LIMIT),
    retryable,
    charged: (known?.charges.length ?? 0) > 0,
  };
}
