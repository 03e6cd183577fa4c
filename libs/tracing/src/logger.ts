import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type LogFn, type Logger, pino, stdTimeFunctions } from 'pino';
import { redact, secretFields, withoutCredentials } from './redact.js';

/** Redacts credentials in the texts of a log call. An error without a text is logged with its message. */
function withCleanText(args: Parameters<LogFn>): Parameters<LogFn> {
  const clean = (args as unknown[]).map((value) => (typeof value === 'string' ? withoutCredentials(value) : value));
  const [first] = clean;
  const error = first instanceof Error ? first : (first as { err?: unknown } | undefined)?.err;
  if (clean.length === 1 && error instanceof Error) clean.push(withoutCredentials(error.message));
  return clean as Parameters<LogFn>;
}

/** What code needs of a logger to write log lines. The logger of {@link createLogger} fits. */
export interface Log {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface LoggerOptions {
  readonly service: string;
  readonly level: string;
  /** Names of more secret fields, in any spelling. Default: only the usual ones, such as `token`, are redacted. */
  readonly secrets?: readonly string[];
}

/** A logger that writes JSON lines with time, level, service and trace ids. Redacts secrets. Default destination: stdout. */
export function createLogger(options: LoggerOptions, destination?: DestinationStream): Logger {
  const isSecret = secretFields(options.secrets ?? []);
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: object) => redact(fields, isSecret) as Record<string, unknown>,
    },
    // `redact` has already converted the error to plain fields.
    serializers: { err: (fields: unknown) => fields },
    hooks: {
      logMethod(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
        method.apply(this, withCleanText(args));
      },
    },
    mixin: () => {
      const context = trace.getActiveSpan()?.spanContext();
      return context !== undefined && isSpanContextValid(context)
        ? { trace_id: context.traceId, span_id: context.spanId }
        : {};
    },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}

/** Nest's LoggerService. */
export interface NestLogger {
  log(text: unknown, ...rest: unknown[]): void;
  error(text: unknown, ...rest: unknown[]): void;
  warn(text: unknown, ...rest: unknown[]): void;
  debug(text: unknown, ...rest: unknown[]): void;
  verbose(text: unknown, ...rest: unknown[]): void;
}

/** Adapts a logger to Nest. Nest's own messages are logged at level debug. */
export function nestLogger(logger: Logger): NestLogger {
  const write =
    (level: 'debug' | 'warn' | 'error' | 'trace') =>
    (text: unknown, ...rest: unknown[]): void => {
      const err = text instanceof Error ? text : undefined;
      // Nest passes (text, stack, context) for errors and (text, context) for everything else.
      const stack = err === undefined && level === 'error' && rest.length > 1 ? rest[0] : undefined;
      logger[level](
        { ...(err === undefined ? {} : { err }), ...(stack === undefined ? {} : { stack }), context: rest.at(-1) },
        err === undefined ? String(text) : err.message,
      );
    };
  return {
    log: write('debug'),
    error: write('error'),
    warn: write('warn'),
    debug: write('debug'),
    verbose: write('trace'),
  };
}
