import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

/** Never written, wherever they stand. */
const SECRET_FIELDS = [
  'authorization',
  'token',
  'apiKey',
  'key.secret',
  '*.authorization',
  '*.token',
  '*.apiKey',
  'headers.cookie',
];

/** JSON lines on stdout: time, level, service, and the trace that the line belongs to. */
export function createLogger(options: { service: string; level: string }, destination?: DestinationStream): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS, censor: '[redacted]' },
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
      logger[level](
        { ...(err === undefined ? {} : { err }), context: rest.at(-1) },
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
