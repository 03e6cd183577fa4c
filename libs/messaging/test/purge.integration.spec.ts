import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CancelRequested,
  EVENTS_STREAM,
  INBOXES,
  message,
  type Outgoing,
  type InboxSpec,
  STREAMS,
} from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker, until } from '@clipmesh/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { createPublisher, directorCaughtUp, purgeGeneration, provision } from '../src/index.js';
import { clip, generationId, VERSIONS } from './actor.host.js';

const cancelRequest = (id: string): Outgoing =>
  message(CancelRequested, { generationId: id, at: new Date().toISOString(), charges: [], reason: 'enough' });

describe.each(VERSIONS)('purging a generation on nats-server (%s)', (version) => {
  const leaks = leakCheck();
  const traceId = 'a'.repeat(32);
  let broker: Broker;
  let connection: NatsConnection;

  beforeAll(async () => {
    broker = await startBroker({ version });
    connection = await broker.connect();
    await provision(connection);
  });
  afterAll(async () => {
    await broker.stop();
    expect(leaks()).toEqual([]);
  });

  /** Every event inbox handles all pending events. */
  async function handled(): Promise<void> {
    const manager = await jetstreamManager(connection);
    for (const { stream, durable } of Object.values<InboxSpec>(INBOXES)) {
      if (stream !== EVENTS_STREAM) continue;
      const consumer = await jetstream(connection).consumers.get(stream, durable);
      for (;;) {
        const { num_pending, num_ack_pending } = await manager.consumers.info(stream, durable);
        if (num_pending + num_ack_pending === 0) break;
        const event = await consumer.next({ expires: 1000 });
        if (event !== null) await event.ackAck();
      }
    }
  }

  it('reports whether the director has handled all events of a generation', async () => {
    await handled();
    const [done, pending] = [generationId(), generationId()];
    const publish = createPublisher(connection);
    await publish([cancelRequest(done)]);
    await handled();
    await publish([cancelRequest(pending)]);
    expect(await directorCaughtUp(connection, done)).toBe(true);
    expect(await directorCaughtUp(connection, pending)).toBe(false);
    expect(await directorCaughtUp(connection, generationId())).toBe(true);
    await handled();
    expect(await directorCaughtUp(connection, pending)).toBe(true);
    for (const id of [done, pending]) await purgeGeneration(connection, { generationId: id, traceIds: [] });
  });

  async function subjects(): Promise<string[]> {
    const manager = await jetstreamManager(connection);
    const found = await Promise.all(
      STREAMS.map(async ({ name }) => {
        const { state } = await manager.streams.info(name, { subjects_filter: '>' });
        return Object.keys(state.subjects ?? {});
      }),
    );
    return found.flat().sort();
  }

  it('waits until all its events are handled, then removes only its messages', async () => {
    const publish = createPublisher(connection);
    const [gone, stays] = [generationId(), generationId()];
    await publish([clip(gone), clip(stays), cancelRequest(gone), cancelRequest(stays)]);
    const js = jetstream(connection);
    await js.publish(`traces.${traceId}`, '{}');
    await js.publish(`traces.${'b'.repeat(32)}`, '{}');
    for (const id of [gone, stays]) await js.publish(`dead.${id}.clip.generate`, '{}');

    await expect(purgeGeneration(connection, { generationId: gone, traceIds: [traceId] })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
    });
    expect((await subjects()).filter((subject) => subject.includes(gone))).toHaveLength(3);

    await handled();
    await until(
      async () => {
        try {
          await purgeGeneration(connection, { generationId: gone, traceIds: [traceId] });
          return true;
        } catch {
          return false;
        }
      },
      120_000,
      'the purge of the generation',
    );
    expect(await subjects()).toEqual(
      [
        `clip.generate.${stays}`,
        `dead.${stays}.clip.generate`,
        `events.${stays}.cancel.requested`,
        `traces.${'b'.repeat(32)}`,
      ].sort(),
    );
    // Repeated, and for an unknown generation.
    await purgeGeneration(connection, { generationId: gone, traceIds: [traceId] });
    await purgeGeneration(connection, { generationId: generationId(), traceIds: ['c'.repeat(32)] });
  });
});
