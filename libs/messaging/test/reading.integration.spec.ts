import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClipAbandoned, message, type Outgoing } from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker, until } from '@clipmesh/testing';
import { attachSpanSink, flushSpans, shutdownTracing, startTracing, withSpan } from '@clipmesh/tracing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { trace } from '@opentelemetry/api';
import { createPublisher, provision, readEvents, readTrace } from '../src/index.js';
import { type Actor, clip, generationId, startActor, VERSIONS } from './actor.host.js';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
}
const WAIT_MS = 120_000;
const PRODUCER = 4;
const CONSUMER = 5;

const spansOf = ({ resourceSpans }: { resourceSpans: unknown[] }): Span[] =>
  (resourceSpans as { scopeSpans: { spans: Span[] }[] }[]).flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  );

const abandoned = (id: string, predictionId: string): Outgoing =>
  message(ClipAbandoned, { generationId: id, at: new Date().toISOString(), charges: [], scene: 0, predictionId });

beforeAll(() => {
  startTracing({ service: 'clip-generator', instance: 'test' });
});
afterAll(async () => {
  await shutdownTracing();
});

describe.each(VERSIONS)('reading back from nats-server (%s)', (version) => {
  const leaks = leakCheck();
  let broker: Broker;
  let connection: NatsConnection;
  let actor: Actor | undefined;
  beforeAll(async () => {
    broker = await startBroker({ version });
    connection = await broker.connect();
    await provision(connection);
    const js = jetstream(connection);
    attachSpanSink(async (traceId, document) => {
      await js.publish(`traces.${traceId}`, document);
    });
  });
  afterAll(async () => {
    await actor?.close();
    await broker.stop();
    expect(leaks()).toEqual([]);
  });

  it('continues a trace across the broker: the consumer span is a child of the producer span', async () => {
    const id = generationId();
    let traceparent = '';
    actor = await startActor(broker, {
      receive: (_body, context) => {
        traceparent = context.traceparent;
        return Promise.resolve([abandoned(id, 'p')]);
      },
    });
    const traceId = await withSpan('test', 'root', { 'clipmesh.final': true }, async () => {
      await createPublisher(connection)([clip(id)]);
      return trace.getActiveSpan()?.spanContext().traceId ?? '';
    });
    await until(readEvents(connection, id, { signal: AbortSignal.timeout(WAIT_MS) }), WAIT_MS, 'the answer');
    await actor.close();
    await flushSpans();
    const spans = spansOf(await readTrace(connection, traceId));
    const named = (name: string): Span | undefined => spans.find((span) => span.name === name);
    const root = named('root');
    const sent = named('publish clip.generate');
    const handled = named('process clip.generate');
    const answered = named('publish clip.abandoned');
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(sent).toMatchObject({ kind: PRODUCER, parentSpanId: root?.spanId });
    expect(handled).toMatchObject({ kind: CONSUMER, parentSpanId: sent?.spanId });
    expect(answered).toMatchObject({ kind: PRODUCER, parentSpanId: handled?.spanId });
    expect(traceparent).toContain(handled?.spanId);
  });

  it('reads all stored spans of a trace, also those after the final span', async () => {
    const traceId = 'e'.repeat(32);
    const js = jetstream(connection);
    const store = (name: string, attributes: object[]): Promise<unknown> => {
      const span = { traceId, spanId: name.repeat(16), name, attributes };
      return js.publish(`traces.${traceId}`, JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    };
    await store('a', [{ key: 'clipmesh.final', value: { boolValue: true } }]);
    await store('b', []);
    await store('c', []);
    expect(spansOf(await readTrace(connection, traceId)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('reads an unknown trace as empty', async () => {
    expect(await readTrace(connection, 'f'.repeat(32))).toEqual({ resourceSpans: [] });
  });

  it('replays the events of a generation in order, then follows new ones', async () => {
    const [id, other] = [generationId(), generationId()];
    const publish = createPublisher(connection);
    for (const each of ['a', 'b']) await publish([abandoned(id, each), abandoned(other, each)]);
    const stop = new AbortController();
    const seen: string[] = [];
    const reader = (async () => {
      for await (const event of readEvents(connection, id, { signal: stop.signal }))
        seen.push(`${event.name} ${(event.body as { predictionId: string }).predictionId} ${event.pending}`);
    })();
    await until(() => seen.length === 2, WAIT_MS, 'the replay');
    await publish([abandoned(other, 'c'), abandoned(id, 'c')]);
    await until(() => seen.length === 3, WAIT_MS, 'the new event');
    stop.abort();
    await reader;
    expect(seen).toEqual(['clip.abandoned a 1', 'clip.abandoned b 0', 'clip.abandoned c 0']);
  });

  it('leaves no consumer at the broker', async () => {
    const { consumers } = await jetstreamManager(connection);
    const ephemeral = async (stream: string): Promise<string[]> =>
      (await consumers.list(stream).next()).filter(({ config }) => !config.durable_name).map(({ name }) => name);
    const stop = new AbortController();
    const events = readEvents(connection, generationId(), { signal: stop.signal });
    const next = events.next();
    await until(async () => (await ephemeral('EVENTS')).length === 1, WAIT_MS, 'the reader');
    stop.abort();
    await next;
    await readTrace(connection, 'f'.repeat(32));
    for (const stream of ['EVENTS', 'TRACES'])
      await until(async () => (await ephemeral(stream)).length === 0, 120_000, `the end of the readers of ${stream}`);
  });
});
