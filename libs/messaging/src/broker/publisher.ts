import { encodeMessage, type Outgoing } from '@clipmesh/contracts';
import { ATTR, failSpan } from '@clipmesh/tracing';
import { jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import {
  context,
  isSpanContextValid,
  type Link,
  propagation,
  type SpanContext,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { headerSetter } from './header.carrier.js';

/** Publishes all messages. Resolves when the broker has stored them. */
export type Publish = (outgoing: readonly Outgoing[]) => Promise<void>;

/** Timeout of a publish ack, ms. */
const PUBLISH_TIMEOUT_MS = 5000;

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The span context of a `traceparent`. Undefined: invalid. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const parsed = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(parsed) ? parsed : undefined;
}

const linksOf = (outgoing: Outgoing): Link[] =>
  (outgoing.links ?? []).flatMap((text) => {
    const parsed = parseTraceparent(text);
    return parsed === undefined ? [] : [{ context: parsed }];
  });

/** Publishes each message in a PRODUCER span, with its context in the headers. The broker drops repeats by message id. */
export function createPublisher(connection: NatsConnection): Publish {
  const js = jetstream(connection);
  const tracer = trace.getTracer('clipmesh.messaging');
  const publishOne = (outgoing: Outgoing): Promise<void> => {
    const { subject, id, payload } = encodeMessage(outgoing);
    const options = {
      kind: SpanKind.PRODUCER,
      links: linksOf(outgoing),
      attributes: {
        'messaging.system': 'nats',
        'messaging.operation.type': 'send',
        'messaging.destination.name': outgoing.definition.name,
        'messaging.message.id': id,
        [ATTR.generationId]: outgoing.body.generationId,
      },
    };
    const parent = outgoing.parent === undefined ? undefined : parseTraceparent(outgoing.parent);
    const within = parent === undefined ? context.active() : trace.setSpanContext(context.active(), parent);
    return tracer.startActiveSpan(`publish ${outgoing.definition.name}`, options, within, async (span) => {
      try {
        const carrier = headers();
        propagation.inject(context.active(), carrier, headerSetter);
        await js.publish(subject, payload, { msgID: id, headers: carrier, timeout: PUBLISH_TIMEOUT_MS });
      } catch (error) {
        failSpan(span, error);
        throw error;
      } finally {
        span.end();
      }
    });
  };
  return async (outgoing) => {
    await Promise.all(outgoing.map(publishOne));
  };
}
