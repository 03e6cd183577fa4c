import {
  type DomainEvent,
  type GenerationStatus,
  OWN_ENDPOINT,
  WEBHOOK_EVENTS,
  type WebhookDeliverBody,
  type WebhookEvent,
} from '@clipmesh/contracts';
import { type WebhookBook } from '@clipmesh/persistence';

/** What of an event is told. */
export type Notice = Pick<WebhookDeliverBody, 'generationId' | 'type' | 'run' | 'at'>;

/** What an event means to those outside; undefined: nothing that they are told. */
export function noticeOf({ name, body }: DomainEvent): Notice | undefined {
  const type = typeOf(name, 'status' in body ? body.status : undefined);
  return type === undefined || !('run' in body)
    ? undefined
    : { generationId: body.generationId, type, run: body.run, at: body.at };
}

function typeOf(name: DomainEvent['name'], status: GenerationStatus | undefined): WebhookEvent | undefined {
  if (name === 'generation.progressed' && status === 'awaiting_approval') return 'generation.awaiting_approval';
  return WEBHOOK_EVENTS.find((type) => type === name);
}

/** The endpoints that are told: the one of the create, which hears of everything, and the owner's that want such events. */
export function endpointsFor(
  type: WebhookEvent,
  webhookUrl: string | undefined,
  book: WebhookBook | undefined,
): WebhookDeliverBody['endpoint'][] {
  const registered = (book?.endpoints ?? []).filter(({ events }) => events.includes(type)).map(({ id }) => id);
  return webhookUrl === undefined ? registered : [OWN_ENDPOINT, ...registered];
}

/** `taken`: it has the event. `gone`: it wants none any more. `later`: it is told again. */
export function verdictOf(status: number): 'taken' | 'gone' | 'later' {
  if (status >= 200 && status < 300) return 'taken';
  return status === 410 ? 'gone' : 'later';
}

/** A `Retry-After` in seconds or as a date, in ms from now, at most a day; undefined when it says neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, 86_400_000) : undefined;
}
