import { EVENTS_STREAM, INBOXES, type InboxSpec, STREAMS, TRACES_STREAM } from '@clipmesh/contracts';
import { DeliverPolicy, jetstream, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Clock, systemClock } from './clock.js';
import { every, type Periodic } from './every.js';

export interface KeeperOptions {
  /** Time between two sweeps, ms. */
  readonly intervalMs: number;
  /** Events that every inbox has handled stay this long for replay, ms. */
  readonly keepMs: number;
  readonly clock?: Clock;
  readonly logger: { warn(fields: object, text: string): void };
}

/** From this share of its limit on a stream is reported, and events that every inbox has handled go before their time. */
const HIGH_SHARE = 0.8;
/** Share of the limit that is left then. */
const LOW_SHARE = 0.6;

/** How full a stream is. */
export interface StreamFill {
  readonly stream: string;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** Reads how full the streams are: one request for each. */
export async function readStreams(connection: NatsConnection): Promise<StreamFill[]> {
  const manager = await jetstreamManager(connection);
  return Promise.all(
    STREAMS.map(async ({ name }) => {
      const { state, config } = await manager.streams.info(name);
      return { stream: name, bytes: state.bytes, limitBytes: config.max_bytes };
    }),
  );
}

/** What an inbox says about its consumer. */
export interface ConsumerState {
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly delivered: { readonly stream_seq: number };
  readonly ack_floor: { readonly stream_seq: number };
}

/** The last sequence up to which an inbox has handled all that concerns it, where the stream ended at `lastSeq` before. */
export function handledUpTo(consumer: ConsumerState, lastSeq: number): number {
  if (consumer.num_ack_pending > 0) return consumer.ack_floor.stream_seq;
  // A filtered consumer does not count what its filter leaves out: with nothing pending it is at the end.
  return consumer.num_pending === 0 ? lastSeq : consumer.delivered.stream_seq;
}

/** First sequence that is kept when the stream is too full: the oldest go until `LOW_SHARE` is left. */
export function firstKept(state: { first_seq: number; last_seq: number; bytes: number }, limitBytes: number): number {
  if (state.bytes < HIGH_SHARE * limitBytes) return state.first_seq;
  const excess = 1 - (LOW_SHARE * limitBytes) / state.bytes;
  return state.first_seq + Math.ceil((state.last_seq - state.first_seq + 1) * excess);
}

/**
 * Removes events that are older than `keepMs`, or the oldest when the stream is nearly full, and never one that an inbox
 * has yet to handle. The broker itself discards no event: when unread ones fill the stream it refuses new ones, and the
 * publisher tries again. Returns how many were removed.
 */
export async function trimEvents(
  connection: NatsConnection,
  { keepMs, clock = systemClock }: Pick<KeeperOptions, 'keepMs' | 'clock'>,
): Promise<number> {
  const manager = await jetstreamManager(connection);
  const { state, config } = await manager.streams.info(EVENTS_STREAM);
  if (state.messages === 0) return 0;
  const cutoffMs = clock.now() - keepMs;
  const young = Date.parse(state.first_ts) < cutoffMs ? await firstSince(connection, cutoffMs) : state.first_seq;
  const wanted = Math.max(young ?? state.last_seq + 1, firstKept(state, config.max_bytes));
  if (wanted <= state.first_seq) return 0;
  const seq = Math.min(wanted, (await handledByAll(manager, state.last_seq)) + 1);
  if (seq <= state.first_seq) return 0;
  return (await manager.streams.purge(EVENTS_STREAM, { seq })).purged;
}

async function handledByAll(manager: JetStreamManager, lastSeq: number): Promise<number> {
  const inboxes = Object.values<InboxSpec>(INBOXES).filter(({ stream }) => stream === EVENTS_STREAM);
  const floors = inboxes.map(async ({ stream, durable }) =>
    handledUpTo(await manager.consumers.info(stream, durable), lastSeq),
  );
  return Math.min(...(await Promise.all(floors)));
}

/** Sequence of the first event since then; undefined: all are older. */
async function firstSince(connection: NatsConnection, sinceMs: number): Promise<number | undefined> {
  const consumer = await jetstream(connection).consumers.get(EVENTS_STREAM, {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(sinceMs).toISOString(),
    headers_only: true,
  });
  try {
    return (await consumer.next({ expires: 1000 }))?.seq;
  } finally {
    void consumer.delete().catch(() => undefined);
  }
}

/** One sweep: trims the events, and warns of every stream, save the traces, that is nearly full. */
export async function sweepStreams(connection: NatsConnection, options: KeeperOptions): Promise<void> {
  await trimEvents(connection, options);
  for (const { stream, bytes, limitBytes } of await readStreams(connection)) {
    // The oldest traces make room for new ones: nobody depends on one.
    if (stream === TRACES_STREAM || bytes < HIGH_SHARE * limitBytes) continue;
    options.logger.warn({ stream, bytes, limitBytes }, CONSEQUENCES[stream] ?? REFUSES);
  }
}

const REFUSES =
  'the stream is nearly full of messages that nobody has handled; once it is full, publishing fails until they are';
const CONSEQUENCES: Readonly<Record<string, string>> = {
  DEAD_LETTERS: 'the dead letters nearly fill their stream; the oldest go when it is full: replay or remove them',
};

/** Sweeps every `intervalMs` until it is stopped. Several replicas may do so at once. */
export function startStreamKeeper(connection: NatsConnection, options: KeeperOptions): Periodic {
  return every(options.intervalMs, () => sweepStreams(connection, options), {
    clock: options.clock ?? systemClock,
    onError: (error) => {
      options.logger.warn({ err: error }, 'the sweep of the streams failed; it runs again');
    },
  });
}
