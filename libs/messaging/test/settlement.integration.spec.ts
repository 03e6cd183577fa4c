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

  it('what a handler returns is stored before its message is acked', async () => {
    const id = generationId();
    let held = -1;
    await actor({
      receive: () => Promise.resolve([abandoned(id)]),
      publish: (real) => async (outgoing) => {
        await real(outgoing);
        held = await count(stream);
      },
    });
    await publish([clip(id)]);
    await settled();
    expect(held).toBe(1);
    expect(await count('EVENTS', `events.${id}.>`)).toBe(1);
  });

  it('a message whose answer could not be published is delivered again, and told once', async () => {
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
    // A machine that stands still for an ack wait may deliver it once more.
    expect(calls).toBeGreaterThanOrEqual(2);
    expect(await count('EVENTS', `events.${id}.>`)).toBe(1);
  });

  it.each<[string, ActorOptions['receive'], number]>([
    ['a success', ({ generationId: id }) => Promise.resolve([abandoned(id)]), 0],
    ['a failure event', () => Promise.reject(new ClipmeshError('PREDICTION_REFUSED', 'no')), 1],
  ])(
    'a full EVENTS stream gives up no message: %s is stored once there is room',
    async (_what, receive, dead) => {
      const id = generationId();
      let refusals = 0;
      await actor({
        receive,
        publish: (real) => (outgoing) =>
          real(outgoing).catch((error: unknown) => {
            refusals += 1;
            throw error;
          }),
      });
      await manager.streams.update('EVENTS', { max_bytes: 2048 });
      await jetstream(connection).publish('events.gen_other.clip.generated', 'x'.repeat(1900));
      await publish([clip(id)]);
      // More than the deliveries after which a message without an answer is given up.
      await until(() => refusals > 60, WAIT_MS, 'the refusals');
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

  it('the same command published twice is handled once', async () => {
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

  it('a retryable error comes back not before its own time', async () => {
    const asked: string[] = [];
    connection.subscribe('$JS.ACK.>', {
      callback: (_error, { data }) => {
        asked.push(Buffer.from(data).toString());
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
    await until(() => asked.length >= 2, WAIT_MS, 'what the replica asked of the broker');
    expect(calls).toBe(2);
    expect(asked).toEqual([expect.stringMatching(/^-NAK \{"delay":6\d\d000000\}$/), '+ACK']);
  });

  it('a rate limit uses up no attempt, however often, and leaves those of other faults as they were', async () => {
    // More than the deliveries after which a message without a told fault counts as one that ends its process.
    const storm = 60;
    const id = generationId();
    const attempts: number[] = [];
    await actor({
      settings: {
        retry: { maxTries: 2, firstDelayMs: 5, maxDelayMs: 10, patienceMs: { PROVIDER_RATE_LIMITED: 60_000 } },
      },
      receive: (_body, context) => {
        attempts.push(context.tries);
        const limited = attempts.length <= storm;
        return Promise.reject(new ClipmeshError(limited ? 'PROVIDER_RATE_LIMITED' : 'PROVIDER_UNAVAILABLE', 'no'));
      },
    });
    await publish([clip(id)]);
    await settled();
    expect(attempts).toEqual([...Array.from({ length: storm }, () => 1), 1, 2]);
    expect(await count('EVENTS', `events.${id}.clip.failed`)).toBe(1);
    const {
      letters: [letter],
    } = await letters.list({ generationId: id, limit: 10 });
    expect(letter).toMatchObject({ reason: { code: 'PROVIDER_UNAVAILABLE' } });
  });

  it.each([
    ['an unknown error until its attempts are used up', () => new Error('odd'), 3, 'INTERNAL'],
    ['a terminal error at once', () => new ClipmeshError('PREDICTION_REFUSED', 'no'), 1, 'PREDICTION_REFUSED'],
  ])('tries %s, then publishes the failure and keeps the message', async (_what, error, tries, code) => {
    const id = generationId();
    const attempts: number[] = [];
    const last: boolean[] = [];
    await actor({
      receive: (_body, context) => {
        attempts.push(context.tries);
        last.push(context.isLastTry(error()));
        return Promise.reject(error());
      },
    });
    await publish([clip(id)]);
    await settled();
    expect(attempts).toEqual(Array.from({ length: tries }, (_, index) => index + 1));
    expect(last).toEqual(attempts.map((attempt) => attempt === tries));
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

  it('an answer that breaks its own schema is a failure that is told at once', async () => {
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
    ['no JSON', 'ping', false],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0), false],
    ['a later version', JSON.stringify({ v: 99, body: {} }), false],
    [
      'another generation than its subject names',
      JSON.stringify({ v: 1, body: clip(`gen_${'f'.repeat(32)}`).body }),
      false,
    ],
    ['900 KB of rubbish', 'x'.repeat(900_000), true],
  ])('%s goes to the dead letters unseen by the handler', async (_what, payload, truncated) => {
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

  it('a dead letter is replayed with all its attempts, and is then gone', async () => {
    const id = generationId();
    const attempts: number[] = [];
    await actor({
      receive: (_body, context) => {
        attempts.push(context.tries);
        return attempts.length < 6 ? Promise.reject(new Error('not mended yet')) : Promise.resolve([]);
      },
    });
    await publish([clip(id)]);
    await settled();
    const {
      letters: [letter],
    } = await letters.list({ limit: 10 });
    expect(await letters.get(letter?.sequence ?? 0)).toEqual(letter);
    expect(await letters.replay(letter?.sequence ?? 0)).toEqual(letter);
    await until(() => attempts.length === 6, WAIT_MS, 'the handling of the replayed message');
    await settled();
    expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
    expect(await letters.list({ limit: 10 })).toEqual({ letters: [], older: 0, newer: 0 });
    expect(await letters.replay(letter?.sequence ?? 0)).toBeUndefined();
  });

  it('a handler that is stopped by its deadline tells what was paid all the same', async () => {
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
    const told = await manager.streams.getMessage('EVENTS', { last_by_subj: `events.${id}.clip.failed` });
    expect(told?.json()).toMatchObject({ body: { charges: [charge], failure: { code: 'TIMEOUT' } } });
  });

  it('the newest letters are listed, oldest first', async () => {
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
    // A page at a time from the oldest on gives the same, once.
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
