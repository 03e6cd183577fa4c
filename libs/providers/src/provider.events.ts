import { type Log } from '@clipmesh/tracing';
import { type Attributes, trace } from '@opentelemetry/api';

/** The log that a provider writes to. */
export type ProviderLog = Pick<Log, 'info' | 'warn'>;

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
