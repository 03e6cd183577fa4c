import { type Attributes, trace } from '@opentelemetry/api';

/** Where structured lines go; a pino logger is one. */
export interface ProviderLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** An event on the active span, if there is one. Names begin with `provider.`. */
export function spanEvent(name: string, attributes: Attributes): void {
  trace.getActiveSpan()?.addEvent(name, attributes);
}

/** A line in the log and an event on the active span. */
export function note(
  log: ProviderLog | undefined,
  level: keyof ProviderLog,
  name: string,
  attributes: Attributes,
  message: string,
): void {
  spanEvent(name, attributes);
  log?.[level]({ event: name, ...attributes }, message);
}
