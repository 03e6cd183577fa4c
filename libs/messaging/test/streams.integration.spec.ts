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
/** Room for some 16 events of 1 kB. */
const LIMIT = 20 * KB;
const leaks = leakCheck();
const inboxes = Object.values<InboxSpec>(INBOXES).filter(({ stream }) => stream === EVENTS_STREAM);

describe.each(VERSIONS)('the events on nats-server (%s)', (version) => {
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
  /** Publishes until the broker refuses; how many it has taken. */
  const fill = async (subject = `events.gen_1.clip.generated`): Promise<number> => {
    for (let taken = 0; ; taken += 1) {
      try {
        await js().publish(subject, 'x'.repeat(KB));
      } catch (error) {
        expect(String(error)).toMatch(/maximum bytes exceeded/);
        return taken;
      }
    }
  };
  const state = async () => (await manager.streams.info(EVENTS_STREAM)).state;
  /** Every inbox handles the first `count` events that concern it. */
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

  it('refuses a new event rather than discard an unread one', async () => {
    const taken = await fill();
    expect(taken).toBeGreaterThan(5);
    await sweepStreams(connection, keeper);
    expect(await state()).toMatchObject({ messages: taken, first_seq: 1 });
    const [events] = (await readStreams(connection)).filter(({ stream }) => stream === EVENTS_STREAM);
    expect(events?.limitBytes).toBe(LIMIT);
    expect(warnings).toEqual([events && { ...events }]);
  });

  it('makes room from what every inbox has handled, the oldest first, and takes new events then', async () => {
    const taken = await fill();
    await handle(taken);
    expect(await hasAllEvents(connection, { sinceMs: 0 })).toBe(true);
    expect(await lastEventSequence(connection)).toBe(taken);
    await sweepStreams(connection, keeper);
    const { messages, first_seq: first, first_ts: firstAt } = await state();
    const oldestMs = Date.parse(firstAt);
    expect(await hasAllEvents(connection, { sinceMs: oldestMs - 1 })).toBe(false);
    expect(await hasAllEvents(connection, { sinceMs: oldestMs + 1 })).toBe(true);
    expect(messages).toBeLessThan(0.7 * taken);
    expect(messages).toBeGreaterThan(0.3 * taken);
    expect(first).toBe(taken - messages + 1);
    expect(warnings).toEqual([]);
    await js().publish('events.gen_1.clip.generated', 'x');
  });

  it.each(['director', 'cost'])('keeps what %s has yet to handle', async (slow) => {
    const taken = await fill();
    await handle(taken, slow);
    await trimEvents(connection, keeper);
    expect((await state()).messages).toBe(taken);
    await handle(2);
    await trimEvents(connection, keeper);
    expect(await state()).toMatchObject({ messages: taken - 2, first_seq: 3 });
  });

  it('keeps what was delivered and is not acknowledged, also for an inbox with a filter', async () => {
    await js().publish('events.gen_1.clip.generated', 'x');
    await js().publish(`events.gen_1.${GenerationSucceeded.name}`, 'x');
    const taken = 2 + (await fill());
    const consumer = await js().consumers.get(EVENTS_STREAM, INBOXES.notifier.durable);
    const message = await consumer.next({ expires: 60_000 });
    await handle(taken, INBOXES.notifier.durable);
    await trimEvents(connection, keeper);
    expect(message?.seq).toBe(2);
    expect((await state()).first_seq).toBeLessThanOrEqual(2);
    await message?.ackAck();
    await trimEvents(connection, keeper);
    expect((await state()).first_seq).toBeGreaterThan(3);
  });

  it('removes handled events when they are old, unread ones never', async () => {
    for (let count = 0; count < 4; count += 1) await js().publish('events.gen_1.clip.generated', 'x');
    const later = { ...systemClock, now: () => Date.now() + 2 * HOUR_MS };
    expect(await trimEvents(connection, { ...keeper, clock: later })).toBe(0);
    await handle(3);
    expect(await trimEvents(connection, keeper)).toBe(0);
    expect(await trimEvents(connection, { ...keeper, clock: later })).toBe(3);
    expect(await state()).toMatchObject({ messages: 1, first_seq: 4 });
  });

  it('no stream but traces and dead letters discards by itself what nobody has handled', async () => {
    const configs = await Promise.all(STREAMS.map(async ({ name }) => (await manager.streams.info(name)).config));
    const discarding = configs.filter(({ discard, max_age: age }) => discard !== 'new' || age !== 0);
    expect(discarding.map(({ name }) => name).sort()).toEqual(['DEAD_LETTERS', 'TRACES']);
  });

  it('streams of an earlier version get the new rules', async () => {
    await manager.streams.update(EVENTS_STREAM, { discard: 'old', max_age: 7 * 24 * HOUR_MS * 1e6 });
    await provision(connection, { eventsMaxBytes: LIMIT });
    expect((await manager.streams.info(EVENTS_STREAM)).config).toMatchObject({ discard: 'new', max_age: 0 });
  });
});
