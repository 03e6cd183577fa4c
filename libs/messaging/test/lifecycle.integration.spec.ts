import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { INBOXES } from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker, until, within } from '@clipmesh/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { createPublisher, openCancellations, provision } from '../src/index.js';
import { type Actor, type ActorOptions, clip, generationId, startActor, VERSIONS } from './actor.host.js';

const { stream, durable } = INBOXES['clip-generator'];
const WAIT_MS = 120_000;

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

describe.each(VERSIONS)('a replica on nats-server (%s)', (version) => {
  const leaks = leakCheck();
  let broker: Broker;
  let connection: NatsConnection;
  let actors: Actor[] = [];

  beforeEach(async () => {
    broker = await startBroker({ version });
    connection = await broker.connect({ reconnect: true });
  });
  afterEach(async () => {
    await Promise.all(actors.map((actor) => actor.close()));
    actors = [];
    await broker.stop();
    expect(leaks()).toEqual([]);
  });

  const actor = async (options: ActorOptions): Promise<Actor> => {
    const started = await startActor(broker, options);
    actors.push(started);
    return started;
  };
  const settled = (): Promise<unknown> =>
    until(
      async () => {
        const { state } = await (await jetstreamManager(connection)).streams.info(stream);
        return state.messages === 0;
      },
      WAIT_MS,
      'the settlement',
    );

  it('can provision concurrently and repeatedly', async () => {
    const manager = await jetstreamManager(connection);
    const others = await Promise.all([1, 2, 3, 4].map(() => broker.connect()));
    await Promise.all(others.map((other) => provision(other, { ackWaitMs: 7000 })));
    await createPublisher(connection)([clip(generationId())]);
    await provision(connection, { ackWaitMs: 7000 });
    for (const { stream: name, durable: consumer } of Object.values(INBOXES)) {
      const { config } = await manager.consumers.info(name, consumer);
      expect(config).toMatchObject({ ack_wait: 7e9, max_deliver: -1, ack_policy: 'explicit' });
    }
    expect((await manager.streams.info(stream)).state.messages).toBe(1);
  });

  it('updates the ack wait of an existing inbox', async () => {
    await provision(connection, { ackWaitMs: 7000 });
    await provision(connection, { ackWaitMs: 9000 });
    const { config } = await (await jetstreamManager(connection)).consumers.info(stream, durable);
    expect(config.ack_wait).toBe(9e9);
  });

  it('creates a deleted inbox again and continues', async () => {
    const handled: string[] = [];
    await actor({
      ackWaitMs: 4000,
      receive: ({ generationId: id }) => {
        handled.push(id);
        return Promise.resolve([]);
      },
    });
    const manager = await jetstreamManager(connection);
    await manager.consumers.delete(stream, durable);
    const id = generationId();
    await createPublisher(connection)([clip(id)]);
    await until(() => handled.includes(id), WAIT_MS, 'the handling');
    expect((await manager.consumers.info(stream, durable)).config.ack_wait).toBe(4e9);
  });

  it('keeps its message while a handler runs longer than the ack wait', async () => {
    const [ackWaitMs, heartbeatMs] = [4000, 200];
    let calls = 0;
    let progressAcks = 0;
    connection.subscribe('$JS.ACK.>', {
      callback: (_error, { data }) => {
        if (Buffer.from(data).toString() === '+WPI') progressAcks += 1;
      },
    });
    const receive: ActorOptions['receive'] = async () => {
      calls += 1;
      await until(
        () => progressAcks * heartbeatMs > 1.5 * ackWaitMs,
        WAIT_MS,
        'progressAcks of life of one and a half ack waits',
      );
      return [];
    };
    for (let replica = 0; replica < 2; replica += 1) await actor({ ackWaitMs, settings: { heartbeatMs }, receive });
    await createPublisher(connection)([clip(generationId())]);
    await settled();
    expect(calls).toBe(1);
  });

  it('aborts the handler on cancel and does not get its message again', async () => {
    const id = generationId();
    let calls = 0;
    let began: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (began = resolve));
    await actor({
      receive: (_body, { signal }) => {
        calls += 1;
        began();
        return aborted(signal);
      },
    });
    await createPublisher(connection)([clip(id)]);
    await within(running, WAIT_MS, 'the start of the handler');
    const cancellations = await openCancellations(connection);
    await cancellations.request(id);
    await settled();
    await createPublisher(connection)([clip(id, 1)]);
    await settled();
    cancellations.close();
    expect(calls).toBe(1);
  });

  it('finishes running work when it closes', async () => {
    let began: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (began = resolve));
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    let calls = 0;
    const replica = await actor({
      receive: async () => {
        calls += 1;
        began();
        await finished;
        return [];
      },
    });
    await createPublisher(connection)([clip(generationId())]);
    await within(running, WAIT_MS, 'the start of the handler');
    const closing = replica.close();
    finish();
    await within(closing, WAIT_MS, 'the close');
    await settled();
    expect(calls).toBe(1);
  });

  it.each([
    ['reacts to its signal', (signal: AbortSignal) => aborted(signal)],
    ['ignores its signal', () => new Promise<never>(() => undefined)],
  ])('naks work that exceeds the drain time and %s, without using a try', async (_what, work) => {
    let began: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (began = resolve));
    const first = await actor({
      ackWaitMs: 3_600_000,
      settings: { drainMs: 50 },
      receive: (_body, { signal }) => {
        began();
        return work(signal);
      },
    });
    await createPublisher(connection)([clip(generationId())]);
    await within(running, WAIT_MS, 'the start of the handler');
    await within(first.close(), 120_000, 'the close');
    const seen: number[] = [];
    await actor({
      ackWaitMs: 3_600_000,
      receive: (_body, { tries }) => {
        seen.push(tries);
        return Promise.resolve([]);
      },
    });
    await settled();
    expect(seen).toEqual([1]);
  });

  it('loses no message when the broker is killed and restarted during work', async () => {
    const handled = new Map<string, number>();
    let began: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (began = resolve));
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await actor({
      ackWaitMs: 1000,
      receive: async ({ generationId: id }) => {
        began();
        await finished;
        handled.set(id, (handled.get(id) ?? 0) + 1);
        return [];
      },
    });
    const publish = createPublisher(connection);
    const ids = Array.from({ length: 5 }, generationId);
    await publish(ids.map((id) => clip(id)));
    await within(running, WAIT_MS, 'the start of a handler');
    await broker.kill();
    finish();
    await broker.restart();
    await until(async () => (await connection.rtt().catch(() => -1)) >= 0, WAIT_MS, 'the reconnection');
    await until(() => ids.every((id) => handled.has(id)), WAIT_MS, 'the handling of all');
    await settled();
    const late = generationId();
    await publish([clip(late)]);
    await until(() => handled.has(late), WAIT_MS, 'new work after the restart');
  });

  it('shares an inbox with another replica, and no message is handled twice', async () => {
    const handled: [replica: number, id: string][] = [];
    for (const replica of [0, 1]) {
      await actor({
        receive: async ({ generationId: id }) => {
          handled.push([replica, id]);
          await until(() => new Set(handled.map(([by]) => by)).size === 2, WAIT_MS, 'work for both');
          return [];
        },
      });
    }
    const ids = Array.from({ length: 30 }, generationId);
    await createPublisher(connection)(ids.map((id) => clip(id)));
    await settled();
    expect(handled.map(([, id]) => id).sort()).toEqual([...ids].sort());
  });
});
