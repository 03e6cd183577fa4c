import { TRACES_STREAM } from '@clipmesh/contracts';
import { ATTR } from '@clipmesh/tracing';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';

const spanSchema = z.looseObject({
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  attributes: z.array(z.looseObject({ key: z.string() })).optional(),
});
const documentSchema = z.object({
  resourceSpans: z.array(z.looseObject({ scopeSpans: z.array(z.looseObject({ spans: z.array(spanSchema) })) })),
});

/** Maximum wait for the last spans of a generation that has just ended, ms. */
const COMPLETE_MS = 3000;

/** A trace as one OTLP JSON document. */
export interface StoredTrace {
  readonly resourceSpans: unknown[];
}

/** Reads a trace from the stream. Waits up to 3 s for its final span and all parents. */
export async function readTrace(connection: NatsConnection, traceId: string): Promise<StoredTrace> {
  const { resourceSpans } = await collectTrace(connection, traceId);
  return { resourceSpans };
}

/** Like {@link readTrace}. `complete`: the final span and all parents were present. An abort ends the wait. */
export async function collectTrace(
  connection: NatsConnection,
  traceId: string,
  signal?: AbortSignal,
): Promise<StoredTrace & { readonly complete: boolean }> {
  const consumer = await jetstream(connection).consumers.get(TRACES_STREAM, {
    filter_subjects: `traces.${traceId}`,
    deliver_policy: DeliverPolicy.All,
  });
  const messages = await consumer.consume();
  const stop = (): void => {
    messages.stop();
  };
  const deadline = setTimeout(stop, COMPLETE_MS);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  const resourceSpans: unknown[] = [];
  const known = new Set<string>();
  const parents = new Set<string>();
  let final = false;
  const isComplete = (): boolean => final && [...parents].every((parent) => known.has(parent));
  try {
    for await (const message of messages) {
      const document = documentSchema.parse(message.json());
      resourceSpans.push(...document.resourceSpans);
      for (const span of document.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))) {
        known.add(span.spanId);
        if (span.parentSpanId !== undefined && span.parentSpanId !== '') parents.add(span.parentSpanId);
        final ||= span.attributes?.some(({ key }) => key === ATTR.final) ?? false;
      }
      // Spans that are already stored after the final one, such as those of the cost service, belong to the trace too.
      if (isComplete() && message.info.pending === 0) break;
    }
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener('abort', stop);
    stop();
    // Each reader has its own consumer, which the broker would otherwise keep for minutes.
    void consumer.delete().catch(() => undefined);
  }
  return { resourceSpans, complete: isComplete() };
}
