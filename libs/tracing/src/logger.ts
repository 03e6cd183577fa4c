import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type LogFn, type Logger, pino, stdTimeFunctions } from 'pino';
import { redact, withoutCredentials } from './redact.js';

/** The arguments of a log call without credentials in their texts. An error without a text is logged with its message. */
function withCleanText(args: Parameters<LogFn>): Parameters<LogFn> {
  const clean = (args as unknown[]).map((value) => (typeof value === 'string' ? withoutCredentials(value) : value));
  const [first] = clean;
  const error = first instanceof Error ? first : (first as { err?: unknown } | undefined)?.err;
  if (clean.length === 1 && error instanceof Error) clean.push(withoutCredentials(error.message));
  return clean as Parameters<LogFn>;
}

/** JSON lines on stdout: time, level, service, and the trace that the line belongs to. Secrets are never written. */
export function createLogger(options: { service: string; level: string }, destination?: DestinationStream): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: object) => redact(fields) as Record<string, unknown>,
    },
    // An error is plain fields by then.
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

/** The shape of Nest's LoggerService over our log. Nest's own chatter is debug. */
export interface NestLogger {
  log(text: unknown, ...rest: unknown[]): void;
  error(text: unknown, ...rest: unknown[]): void;
  warn(text: unknown, ...rest: unknown[]): void;
  debug(text: unknown, ...rest: unknown[]): void;
  verbose(text: unknown, ...rest: unknown[]): void;
}

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
