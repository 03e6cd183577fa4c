import { EVENTS_STREAM, GenerationSucceeded, INBOXES, type InboxSpec, STREAMS } from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker } from '@clipmesh/testing';
import { jetstream, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  hasAllEvents,
  lastEventSequence,
  sweepStreams,
  provision,
  readStreams,
  systemClock,
  trimEvents,
} from '../src/index.js';
import { VERSIONS } from './actor.host.js';

const KB = 1024;
const HOUR_MS = 3_600_000;
/** Fits about 16 events of 1 KB. */
const LIMIT = 20 * KB;
const leaks = leakCheck();
const inboxes = Object.values<InboxSpec>(INBOXES).filter(({ stream }) => stream === EVENTS_STREAM);

describe.each(VERSIONS)('the event stream on nats-server (%s)', (version) => {
  let broker: Broker;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  const warnings: object[] = [];
  const keeper = {
    intervalMs: HOUR_MS,
    keepMs: HOUR_MS,
    logger: { warn: (fields: object) => void warnings.push(fields) },
  };

  beforeEach(async () => {
    warnings.length = 0;
    broker = await startBroker({ version });
    connection = await broker.connect();
    manager = await jetstreamManager(connection);
    await provision(connection, { ackWaitMs: HOUR_MS, eventsMaxBytes: LIMIT });
  });
  afterEach(async () => {
    await broker.stop();
    expect(leaks()).toEqual([]);
  });

  const js = () => jetstream(connection);
  /** Publishes until the stream is full. Returns the number of stored events. */
  const fill = async (subject = `events.gen_1.clip.generated`): Promise<number> => {
    for (let stored = 0; ; stored += 1) {
      try {
        await js().publish(subject, 'x'.repeat(KB));
      } catch (error) {
        expect(String(error)).toMatch(/maximum bytes exceeded/);
        return stored;
      }
    }
  };
  const state = async () => (await manager.streams.info(EVENTS_STREAM)).state;
  /** Every inbox handles its first `count` events. */
  const handle = async (count: number, except?: string): Promise<void> => {
    for (const { stream, durable } of inboxes) {
      if (durable === except) continue;
      const consumer = await js().consumers.get(stream, durable);
      for (let done = 0; done < count; done += 1) {
        const { num_pending: waiting } = await consumer.info();
        if (waiting === 0) break;
        const message = await consumer.next({ expires: 60_000 });
        await message?.ackAck();
      }
    }
  };

  it('rejects new events instead of discarding unhandled ones', async () => {
    const stored = await fill();
    expect(stored).toBeGreaterThan(5);
    await sweepStreams(connection, keeper);
    expect(await state()).toMatchObject({ messages: stored, first_seq: 1 });
    const [events] = (await readStreams(connection)).filter(({ stream }) => stream === EVENTS_STREAM);
    expect(events?.limitBytes).toBe(LIMIT);
    expect(warnings).toEqual([events && { ...events }]);
  });

  it('removes the oldest handled events when it is nearly full', async () => {
    const stored = await fill();
    await handle(stored);
    expect(await hasAllEvents(connection, { sinceMs: 0 })).toBe(true);
    expect(await lastEventSequence(connection)).toBe(stored);
    await sweepStreams(connection, keeper);
    const { messages, first_seq: first, first_ts: firstAt } = await state();
    const oldestMs = Date.parse(firstAt);
    expect(await hasAllEvents(connection, { sinceMs: oldestMs - 1 })).toBe(false);
    expect(await hasAllEvents(connection, { sinceMs: oldestMs + 1 })).toBe(true);
    expect(messages).toBeLessThan(0.7 * stored);
    expect(messages).toBeGreaterThan(0.3 * stored);
    expect(first).toBe(stored - messages + 1);
    expect(warnings).toEqual([]);
    await js().publish('events.gen_1.clip.generated', 'x');
  });

  it.each(['director', 'cost'])('keeps events that %s has not handled', async (slow) => {
    const stored = await fill();
    await handle(stored, slow);
    await trimEvents(connection, keeper);
    expect((await state()).messages).toBe(stored);
    await handle(2);
    await trimEvents(connection, keeper);
    expect(await state()).toMatchObject({ messages: stored - 2, first_seq: 3 });
  });

  it('keeps delivered events without an ack, also for a filtered inbox', async () => {
    await js().publish('events.gen_1.clip.generated', 'x');
    await js().publish(`events.gen_1.${GenerationSucceeded.name}`, 'x');
    const stored = 2 + (await fill());
    const consumer = await js().consumers.get(EVENTS_STREAM, INBOXES.notifier.durable);
    const message = await consumer.next({ expires: 60_000 });
    await handle(stored, INBOXES.notifier.durable);
    await trimEvents(connection, keeper);
    expect(message?.seq).toBe(2);
    expect((await state()).first_seq).toBeLessThanOrEqual(2);
    await message?.ackAck();
    await trimEvents(connection, keeper);
    expect((await state()).first_seq).toBeGreaterThan(3);
  });

  it('removes old handled events, but never unhandled ones', async () => {
    for (let count = 0; count < 4; count += 1) await js().publish('events.gen_1.clip.generated', 'x');
    const later = { ...systemClock, now: () => Date.now() + 2 * HOUR_MS };
    expect(await trimEvents(connection, { ...keeper, clock: later })).toBe(0);
    await handle(3);
    expect(await trimEvents(connection, keeper)).toBe(0);
    expect(await trimEvents(connection, { ...keeper, clock: later })).toBe(3);
    expect(await state()).toMatchObject({ messages: 1, first_seq: 4 });
  });

  it('only traces and dead letters discard unhandled messages', async () => {
    const configs = await Promise.all(STREAMS.map(async ({ name }) => (await manager.streams.info(name)).config));
    const discarding = configs.filter(({ discard, max_age: age }) => discard !== 'new' || age !== 0);
    expect(discarding.map(({ name }) => name).sort()).toEqual(['DEAD_LETTERS', 'TRACES']);
  });

  it('updates streams of an earlier version', async () => {
    await manager.streams.update(EVENTS_STREAM, { discard: 'old', max_age: 7 * 24 * HOUR_MS * 1e6 });
    await provision(connection, { eventsMaxBytes: LIMIT });
    expect((await manager.streams.info(EVENTS_STREAM)).config).toMatchObject({ discard: 'new', max_age: 0 });
  });
});
