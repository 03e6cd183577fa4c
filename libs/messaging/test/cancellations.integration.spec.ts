import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker, until, within } from '@clipmesh/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { type Cancellations, openCancellations } from '../src/signals/cancellations.js';
import { type Clock, systemClock } from '../src/timing/clock.js';
import { VERSIONS } from './actor.host.js';

/** Timeout that only ends a hang. */
const HANG_MS = 60_000;
const leaks = leakCheck();
let count = 0;
const newId = (): string => `gen_${(count += 1).toString().padStart(32, '0')}`;

describe.each(VERSIONS)('cancel flags on nats-server (%s)', (version) => {
  let broker: Broker;
  const open: Cancellations[] = [];
  const flags = async (connection: NatsConnection, options: { ttlMs?: number; clock?: Clock } = {}) => {
    const one = await openCancellations(connection, options);
    open.push(one);
    return one;
  };

  beforeAll(async () => {
    broker = await startBroker({ version });
  });
  afterAll(async () => {
    for (const one of open.splice(0)) one.close();
    await broker.stop();
    expect(leaks()).toEqual([]);
  });

  it('expire for every service after their lifetime', async () => {
    let nowMs = Date.now();
    const clock = { ...systemClock, now: () => nowMs };
    const ttlMs = 3_600_000;
    const connection = await broker.connect();
    const [requester, listener] = [
      await flags(connection, { ttlMs, clock }),
      await flags(connection, { ttlMs, clock }),
    ];
    const id = newId();
    await requester.request(id);
    await until(() => listener.isCanceled(id), HANG_MS, 'the flag');
    const late = await flags(connection, { ttlMs, clock });
    expect(late.isCanceled(id)).toBe(true);
    nowMs += ttlMs + 60_000;
    expect([requester, listener, late].map((one) => one.isCanceled(id))).toEqual([false, false, false]);
    await (await jetstreamManager(connection)).streams.delete('KV_cancellations');
  });

  it.each([
    ['every consumer of the bucket was deleted', 'consumers'],
    ['the bucket was deleted', 'bucket'],
    ['the broker was killed and lost its store', 'restart'],
  ])('reach a service after %s', async (_what, damage) => {
    const connection = await broker.connect({ reconnect: true });
    const manager = await jetstreamManager(connection);
    const [requester, listener] = [await flags(connection), await flags(await broker.connect({ reconnect: true }))];
    const before = newId();
    await requester.request(before);
    await until(() => listener.isCanceled(before), HANG_MS, 'the first flag');
    if (damage === 'consumers') {
      for await (const { name } of manager.consumers.list('KV_cancellations'))
        await manager.consumers.delete('KV_cancellations', name);
    } else {
      await manager.streams.delete('KV_cancellations');
      if (damage === 'restart') await broker.restart();
    }
    const after = newId();
    await until(
      () =>
        requester.request(after).then(
          () => true,
          () => false,
        ),
      HANG_MS,
      'the request',
    );
    await until(() => listener.isCanceled(after), HANG_MS, 'the second flag');
    expect(await listener.check(after)).toBe(true);
  });

  it('reach a service that was disconnected when they were set', async () => {
    const other = await broker.connect();
    const connection = await broker.connect({ reconnect: true });
    const [requester, listener] = [await flags(other), await flags(connection)];
    let calls = 0;
    const id = newId();
    listener.onCanceled(id, () => (calls += 1));
    const back = until(connection.status(), HANG_MS, 'the reconnection', ({ type }) => type === 'reconnect');
    // Set before the lost connection can subscribe again.
    const cut = until(connection.status(), HANG_MS, 'the disconnect', ({ type }) => type === 'disconnect');
    void connection.reconnect();
    await cut;
    await requester.request(id);
    await back;
    await until(() => listener.isCanceled(id), HANG_MS, 'the flag');
    expect(calls).toBe(1);
  });

  it('restart an ended subscription', async () => {
    const requester = await flags(await broker.connect());
    const connection = await broker.connect();
    const subscriptions: Subscription[] = [];
    const subscribe = connection.subscribe.bind(connection);
    connection.subscribe = (subject, options) => {
      const subscription = subscribe(subject, options);
      if (subject.startsWith('$KV.')) subscriptions.push(subscription);
      return subscription;
    };
    const warnings: string[] = [];
    const listener = await openCancellations(connection, { logger: { warn: (_fields, text) => warnings.push(text) } });
    open.push(listener);
    for (const round of [1, 2]) {
      subscriptions.at(-1)?.unsubscribe();
      const meanwhile = newId();
      await requester.request(meanwhile);
      await until(() => listener.isCanceled(meanwhile), HANG_MS, 'the flag that was set meanwhile');
      const later = newId();
      await requester.request(later);
      await until(() => listener.isCanceled(later), HANG_MS, 'the next flag');
      expect([subscriptions.length, warnings.length]).toEqual([round + 1, round]);
    }
    listener.close();
    await within(subscriptions.at(-1)?.closed ?? Promise.reject(new Error('none')), HANG_MS, 'the end');
    expect(warnings).toHaveLength(2);
  });
});
