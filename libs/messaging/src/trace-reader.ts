import { TRACES_STREAM } from '@clipmesh/contracts';
import { ATTR } from '@clipmesh/tracing';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';

const document = z.object({
  resourceSpans: z.array(
    z.looseObject({
      scopeSpans: z.array(
        z.looseObject({
          spans: z.array(z.looseObject({ spanId: z.string(), parentSpanId: z.string().optional(), attributes: z.array(z.looseObject({ key: z.string() })).optional() })),
        }),
      ),
    }),
  ),
});

/** Longest wait for the last spans of a generation that has just ended, ms. */
const COMPLETE_MS = 3000;

/** Reads a trace from the stream as one OTLP JSON document: until its last span and every parent is there, or for 3 s. */
export async function readTrace(connection: NatsConnection, traceId: string): Promise<{ resourceSpans: unknown[] }> {
  const consumer = await jetstream(connection).consumers.get(TRACES_STREAM, { filter_subjects: `traces.${traceId}`, deliver_policy: DeliverPolicy.All });
  const messages = await consumer.consume();
  const deadline = setTimeout(() => {
    messages.stop();
  }, COMPLETE_MS);
  const resourceSpans: unknown[] = [];
  const known = new Set<string>();
  const parents = new Set<string>();
  let final = false;
  try {
    for await (const message of messages) {
      const parsed = document.parse(message.json());
      resourceSpans.push(...parsed.resourceSpans);
      for (const span of parsed.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))) {
        known.add(span.spanId);
        if (span.parentSpanId !== undefined && span.parentSpanId !== '') parents.add(span.parentSpanId);
        final ||= span.attributes?.some(({ key }) => key === ATTR.final) ?? false;
      }
      if (final && [...parents].every((parent) => known.has(parent))) break;
    }
  } finally {
    clearTimeout(deadline);
    messages.stop();
  }
  return { resourceSpans };
}
