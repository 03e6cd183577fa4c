import {
  type DomainEvent,
  type GenerationStatus,
  OWN_ENDPOINT,
  waitMs,
  WEBHOOK_EVENTS,
  type WebhookDeliverBody,
  type WebhookEvent,
} from '@clipmesh/contracts';
import { type WebhookRegistrations } from '@clipmesh/persistence';

/** The content of a webhook notification. */
export type Notice = Pick<WebhookDeliverBody, 'generationId' | 'type' | 'run' | 'at'>;

/** The notification for an event. Undefined when the event has none. */
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

/** The endpoints to notify: the `webhookUrl` of the generation, which gets every event, and the owner's subscribed webhooks. */
export function endpointsFor(
  type: WebhookEvent,
  webhookUrl: string | undefined,
  webhooks: WebhookRegistrations | undefined,
): WebhookDeliverBody['endpoint'][] {
  const registered = (webhooks?.endpoints ?? []).filter(({ events }) => events.includes(type)).map(({ id }) => id);
  return webhookUrl === undefined ? registered : [OWN_ENDPOINT, ...registered];
}

/** `taken`: the endpoint accepted the event. `gone`: it wants no more events. `later`: retry. */
export function verdictOf(status: number): 'taken' | 'gone' | 'later' {
  if (status >= 200 && status < 300) return 'taken';
  return status === 410 ? 'gone' : 'later';
}

/** Parses a `Retry-After`, in ms from now, at most one day. Undefined when it is invalid or past. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const ms = waitMs(header ?? '', nowMs);
  return ms !== undefined && ms > 0 ? Math.min(ms, 86_400_000) : undefined;
}
