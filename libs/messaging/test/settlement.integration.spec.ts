import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, ClipmeshError, ClipAbandoned, INBOXES, message, type Outgoing } from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker, until } from '@clipmesh/testing';
import { jetstream, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { createPublisher, type DeadLetters, openDeadLetters, type Publish } from '../src/index.js';
import { type Actor, type ActorOptions, clip, generationId, startActor, VERSIONS } from './actor.host.js';

const { stream, durable } = INBOXES['clip-generator'];
const WAIT_MS = 120_000;

describe.each(VERSIONS)('settlement on nats-server (%s)', (version) => {
  const leaks = leakCheck();
  let broker: Broker;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let publish: Publish;
  let letters: DeadLetters;
  let actors: Actor[] = [];

  beforeEach(async () => {
    broker = await startBroker({ version });
    connection = await broker.connect();
    manager = await jetstreamManager(connection);
    publish = createPublisher(connection);
  });
  afterEach(async () => {
    await Promise.all(actors.map((actor) => actor.close()));
    actors = [];
    await broker.stop();
    expect(leaks()).toEqual([]);
  });

  const actor = async (options: ActorOptions): Promise<void> => {
    actors.push(await startActor(broker, options));
    letters = await openDeadLetters(connection);
  };
  const count = async (name: string, filter = '>'): Promise<number> => {
    const { state } = await manager.streams.info(name, { subjects_filter: filter });
    return Object.values(state.subjects ?? {}).reduce((sum, messages) => sum + messages, 0);
  };
  const settled = (): Promise<unknown> =>
    until(
      async () => {
        const { num_pending, num_ack_pending } = await manager.consumers.info(stream, durable);
        return num_pending + num_ack_pending + (await count(stream)) === 0;
      },
      WAIT_MS,
      'the settlement',
    );
  const abandoned = (id: string): Outgoing =>
    message(ClipAbandoned, {
      generationId: id,
      at: new Date().toISOString(),
      charges: [],
      scene: 0,
      predictionId: 'p1',
    });

  it('stores the messages of a handler before the ack', async () => {
    const id = generationId();
    let pending = -1;
    await actor({
      receive: () => Promise.resolve([abandoned(id)]),
      publish: (real) => async (outgoing) => {
        await real(outgoing);
        pending = await count(stream);
      },
    });
    await publish([clip(id)]);
    await settled();
    expect(pending).toBe(1);
    expect(await count('EVENTS', `events.${id}.>`)).toBe(1);
  });

  it('redelivers after a failed publish, and stores the event once', async () => {
    const id = generationId();
    let calls = 0;
    let publishes = 0;
    await actor({
      ackWaitMs: 1000,
      receive: () => {
        calls += 1;
        return Promise.resolve([abandoned(id)]);
      },
      publish: (real) => async (outgoing) => {
        await real(outgoing);
        if ((publishes += 1) === 1) throw new Error('the answer of the broker was lost');
      },
    });
    await publish([clip(id)]);
    await settled();
    // A machine that stalls for an ack wait may cause another delivery.
    expect(calls).toBeGreaterThanOrEqual(2);
    expect(await count('EVENTS', `events.${id}.>`)).toBe(1);
  });

  it.each<[string, ActorOptions['receive'], number]>([
    ['a success', ({ generationId: id }) => Promise.resolve([abandoned(id)]), 0],
    ['a failure event', () => Promise.reject(new ClipmeshError('PREDICTION_REFUSED', 'no')), 1],
  ])(
    'gives up no message while EVENTS is full, and stores %s once there is space',
    async (_what, receive, dead) => {
      const id = generationId();
      let rejections = 0;
      await actor({
        receive,
        publish: (real) => (outgoing) =>
          real(outgoing).catch((error: unknown) => {
            rejections += 1;
            throw error;
          }),
      });
      await manager.streams.update('EVENTS', { max_bytes: 2048 });
      await jetstream(connection).publish('events.gen_other.clip.generated', 'x'.repeat(1900));
      await publish([clip(id)]);
      // More than the delivery limit of a poison message.
      await until(() => rejections > 60, WAIT_MS, 'the rejections');
      expect([await count(stream), await count('DEAD_LETTERS'), await count('EVENTS', `events.${id}.>`)]).toEqual([
        1, 0, 0,
      ]);
      await manager.streams.update('EVENTS', { max_bytes: 1024 * 1024 });
      await settled();
      expect(await count('EVENTS', `events.${id}.>`)).toBe(1);
      const { letters: kept } = await letters.list({ limit: 10 });
      expect(kept.map(({ reason }) => reason.code)).toEqual(dead === 0 ? [] : ['PREDICTION_REFUSED']);
    },
    2 * WAIT_MS,
  );

  it('handles a command that is published twice once', async () => {
    const id = generationId();
    let calls = 0;
    await actor({
      receive: () => {
        calls += 1;
        return Promise.resolve([]);
      },
    });
    await Promise.all([publish([clip(id)]), publish([clip(id)])]);
    await settled();
    await publish([clip(id)]);
    expect(await count(stream)).toBe(0);
    expect(calls).toBe(1);
  });

  it('retries no earlier than the delay of the error', async () => {
    const acks: string[] = [];
    connection.subscribe('$JS.ACK.>', {
      callback: (_error, { data }) => {
        acks.push(Buffer.from(data).toString());
      },
    });
    let calls = 0;
    await actor({
      receive: () => {
        calls += 1;
        return calls === 1
          ? Promise.reject(new ClipmeshError('PROVIDER_RATE_LIMITED', 'slow down', { retryAfterMs: 600 }))
          : Promise.resolve([]);
      },
    });
    await publish([clip(generationId())]);
    await settled();
    await until(() => acks.length >= 2, WAIT_MS, 'the nak and the ack');
    expect(calls).toBe(2);
    expect(acks).toEqual([expect.stringMatching(/^-NAK \{"delay":6\d\d000000\}$/), '+ACK']);
  });

  it('retries rate limits without using a try, and keeps the tries for other failures', async () => {
    // More than the delivery limit of a poison message.
    const storm = 60;
    const id = generationId();
    const seen: number[] = [];
    await actor({
      settings: {
        retry: { maxTries: 2, firstDelayMs: 5, maxDelayMs: 10, patienceMs: { PROVIDER_RATE_LIMITED: 60_000 } },
      },
      receive: (_body, context) => {
        seen.push(context.tries);
        const limited = seen.length <= storm;
        return Promise.reject(new ClipmeshError(limited ? 'PROVIDER_RATE_LIMITED' : 'PROVIDER_UNAVAILABLE', 'no'));
      },
    });
    await publish([clip(id)]);
    await settled();
    expect(seen).toEqual([...Array.from({ length: storm }, () => 1), 1, 2]);
    expect(await count('EVENTS', `events.${id}.clip.failed`)).toBe(1);
    const {
      letters: [letter],
    } = await letters.list({ generationId: id, limit: 10 });
    expect(letter).toMatchObject({ reason: { code: 'PROVIDER_UNAVAILABLE' } });
  });

  it.each([
    ['an unknown error until its tries are used up', () => new Error('odd'), 3, 'INTERNAL'],
    ['a terminal error at once', () => new ClipmeshError('PREDICTION_REFUSED', 'no'), 1, 'PREDICTION_REFUSED'],
  ])('tries %s, then publishes the failure and keeps the message', async (_what, error, tries, code) => {
    const id = generationId();
    const seen: number[] = [];
    const last: boolean[] = [];
    await actor({
      receive: (_body, context) => {
        seen.push(context.tries);
        last.push(context.isLastTry(error()));
        return Promise.reject(error());
      },
    });
    await publish([clip(id)]);
    await settled();
    expect(seen).toEqual(Array.from({ length: tries }, (_, index) => index + 1));
    expect(last).toEqual(seen.map((number) => number === tries));
    expect(await count('EVENTS', `events.${id}.clip.failed`)).toBe(1);
    const {
      letters: [letter, ...more],
    } = await letters.list({ generationId: id, limit: 10 });
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ reason: { code }, subject: `clip.generate.${id}`, truncated: false });
    expect(JSON.parse(Buffer.from(letter?.payload ?? '', 'base64').toString())).toMatchObject({
      body: { prompt: 'a red kite' },
    });
  });

  it('gives up at once when a handler returns an invalid message', async () => {
    const id = generationId();
    let calls = 0;
    await actor({
      receive: () => {
        calls += 1;
        return Promise.resolve([{ definition: ClipAbandoned, body: { generationId: id } }]);
      },
    });
    await publish([clip(id)]);
    await settled();
    expect(calls).toBe(1);
    expect((await letters.list({ generationId: id, limit: 1 })).letters).toMatchObject([
      { reason: { code: 'SCHEMA_VIOLATION' } },
    ]);
  });

  it.each([
    ['invalid JSON', 'ping', false],
    ['bytes that are not UTF-8', Uint8Array.of(0xff, 0xfe, 0), false],
    ['a later version', JSON.stringify({ v: 99, body: {} }), false],
    [
      'a generation that does not match the subject',
      JSON.stringify({ v: 1, body: clip(`gen_${'f'.repeat(32)}`).body }),
      false,
    ],
    ['900 KB of garbage', 'x'.repeat(900_000), true],
  ])('moves %s to the dead letters without calling the handler', async (_what, payload, truncated) => {
    const id = generationId();
    let calls = 0;
    await actor({
      receive: () => {
        calls += 1;
        return Promise.resolve([]);
      },
    });
    await jetstream(connection).publish(`clip.generate.${id}`, payload);
    await settled();
    expect(calls).toBe(0);
    const {
      letters: [letter],
    } = await letters.list({ generationId: id, limit: 1 });
    expect(letter).toMatchObject({ reason: { code: 'SCHEMA_VIOLATION' }, truncated });
    const bytes = Buffer.from(payload);
    expect(bytes.indexOf(Buffer.from(letter?.payload ?? '', 'base64'))).toBe(0);
    if (truncated) await expect(letters.replay(letter?.sequence ?? 0)).rejects.toThrow('only a part');
  });

  it('replays a dead letter with all its tries and removes it', async () => {
    const id = generationId();
    const seen: number[] = [];
    await actor({
      receive: (_body, context) => {
        seen.push(context.tries);
        return seen.length < 6 ? Promise.reject(new Error('not fixed yet')) : Promise.resolve([]);
      },
    });
    await publish([clip(id)]);
    await settled();
    const {
      letters: [letter],
    } = await letters.list({ limit: 10 });
    expect(await letters.get(letter?.sequence ?? 0)).toEqual(letter);
    expect(await letters.replay(letter?.sequence ?? 0)).toEqual(letter);
    await until(() => seen.length === 6, WAIT_MS, 'the handling of the replayed message');
    await settled();
    expect(seen).toEqual([1, 2, 3, 1, 2, 3]);
    expect(await letters.list({ limit: 10 })).toEqual({ letters: [], older: 0, newer: 0 });
    expect(await letters.replay(letter?.sequence ?? 0)).toBeUndefined();
  });

  it('publishes the charges of a handler that timed out', async () => {
    const id = generationId();
    const charge: Charge = {
      key: 'prediction:p1',
      kind: 'clip',
      stage: 'clip',
      provider: 'shop',
      model: 'a/b',
      quantity: 4,
      unit: 'second',
      amountMicros: 480_000,
      outcome: 'succeeded',
    };
    await actor({
      settings: { handlerTimeoutMs: 50, retry: { maxTries: 1, firstDelayMs: 10, maxDelayMs: 20 } },
      receive: (_body, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new ClipmeshError('CANCELED', 'the download was canceled', { charges: [charge] }));
          });
        }),
    });
    await publish([clip(id)]);
    await settled();
    const stored = await manager.streams.getMessage('EVENTS', { last_by_subj: `events.${id}.clip.failed` });
    expect(stored?.json()).toMatchObject({ body: { charges: [charge], failure: { code: 'TIMEOUT' } } });
  });

  it('lists the newest dead letters, oldest first', async () => {
    await actor({ receive: () => Promise.reject(new ClipmeshError('PREDICTION_REFUSED', 'no')) });
    const ids = [generationId(), generationId(), generationId()];
    for (const id of ids) {
      await publish([clip(id)]);
      await settled();
    }
    const newest = await letters.list({ limit: 2 });
    const subjects = newest.letters.map(({ subject }) => subject);
    expect(subjects).toEqual(ids.slice(1).map((id) => `clip.generate.${id}`));
    expect((await letters.list({ generationId: generationId(), limit: 2 })).letters).toEqual([]);
    // Pages from the oldest letter contain each letter once.
    const all = await letters.list({ limit: 1000 });
    expect([newest.older, newest.newer]).toEqual([all.letters.length - 2, 0]);
    const paged: number[] = [];
    for (let after = 0, more = true; more;) {
      const page = await letters.list({ limit: 2, after });
      expect(page.older).toBe(paged.length);
      paged.push(...page.letters.map(({ sequence }) => sequence));
      expect(page.newer).toBe(all.letters.length - paged.length);
      after = paged.at(-1) ?? 0;
      more = page.newer > 0;
    }
    expect(paged).toEqual(all.letters.map(({ sequence }) => sequence));
  });
});
