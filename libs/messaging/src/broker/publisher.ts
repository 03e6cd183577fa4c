import { encodeMessage, type Outgoing } from '@clipmesh/contracts';
import { ATTR, failSpan, spanContextOf } from '@clipmesh/tracing';
import { jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { context, type Link, propagation, SpanKind, trace } from '@opentelemetry/api';
import { headerSetter } from './header.carrier.js';

/** Publishes all messages. Resolves when the broker has stored them. */
export type Publish = (outgoing: readonly Outgoing[]) => Promise<void>;

/** Timeout of a publish ack, ms. */
const PUBLISH_TIMEOUT_MS = 5000;

const linksOf = (outgoing: Outgoing): Link[] =>
  (outgoing.links ?? []).flatMap((text) => {
    const parsed = spanContextOf(text);
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
    const parent = spanContextOf(outgoing.parent);
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
