import { type Attributes, trace } from '@opentelemetry/api';

/** A structured logger, such as pino. */
export interface ProviderLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Adds an event to the active span, if there is one. Names begin with `provider.`. */
export function spanEvent(name: string, attributes: Attributes): void {
  trace.getActiveSpan()?.addEvent(name, attributes);
}

/** Writes a log line and adds an event to the active span. */
export function logEvent(
  log: ProviderLog | undefined,
  level: keyof ProviderLog,
  name: string,
  attributes: Attributes,
  message: string,
): void {
  spanEvent(name, attributes);
  log?.[level]({ event: name, ...attributes }, message);
}
