import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';

/** Fields whose value is never written, at the top of a line and up to two levels down. */
const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'cookie',
  'token',
  'apiKey',
  'apiKeys',
  'api_key',
  'key',
  'secret',
  'replicateApiToken',
  'openaiApiKey',
];
const SECRET_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/** The causes stand in the stack; an error passed on with its own words should not say them again in its message. */
const errorFields = (error: unknown): unknown =>
  error instanceof Error ? { ...stdSerializers.err(error), message: error.message } : error;

/** JSON lines on stdout: time, level, service, and the trace that the line belongs to. */
export function createLogger(options: { service: string; level: string }, destination?: DestinationStream): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: errorFields },
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
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
