import { EVENTS_STREAM, INBOXES, type InboxSpec, STREAMS, TRACES_STREAM } from '@clipmesh/contracts';
import { type Log } from '@clipmesh/tracing';
import { DeliverPolicy, jetstream, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Clock, systemClock } from '../timing/clock.js';
import { every, type Periodic } from '../timing/every.js';

export interface KeeperOptions {
  /** Interval between two sweeps, ms. */
  readonly intervalMs: number;
  /** Retention of handled events for replay, ms. */
  readonly keepMs: number;
  readonly clock?: Clock;
  readonly logger: Pick<Log, 'warn'>;
}

/** Share of its size limit above which a stream is reported and handled events are removed before their retention ends. */
const HIGH_SHARE = 0.8;
/** Share of the limit that remains after that. */
const LOW_SHARE = 0.6;

/** Fill level of a stream. */
export interface StreamFill {
  readonly stream: string;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** Reads the fill levels of all streams: one request per stream. */
export async function readStreams(connection: NatsConnection): Promise<StreamFill[]> {
  const manager = await jetstreamManager(connection);
  return Promise.all(
    STREAMS.map(async ({ name }) => {
      const { state, config } = await manager.streams.info(name);
      return { stream: name, bytes: state.bytes, limitBytes: config.max_bytes };
    }),
  );
}

/** The part of a consumer's state that {@link handledUpTo} reads. */
export interface ConsumerState {
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly delivered: { readonly stream_seq: number };
  readonly ack_floor: { readonly stream_seq: number };
}

/** Sequence up to which an inbox has handled all its events. `lastSeq`: end of the stream, read before the consumer state. */
export function handledUpTo(consumer: ConsumerState, lastSeq: number): number {
  if (consumer.num_ack_pending > 0) return consumer.ack_floor.stream_seq;
  // A filtered consumer does not count events outside its filter: with nothing pending it is at the end.
  return consumer.num_pending === 0 ? lastSeq : consumer.delivered.stream_seq;
}

/** First sequence to keep if the stream is too full: the oldest events are removed until `LOW_SHARE` remains. */
export function firstKept(state: { first_seq: number; last_seq: number; bytes: number }, limitBytes: number): number {
  if (state.bytes < HIGH_SHARE * limitBytes) return state.first_seq;
  const excess = 1 - (LOW_SHARE * limitBytes) / state.bytes;
  return state.first_seq + Math.ceil((state.last_seq - state.first_seq + 1) * excess);
}

/**
 * Removes events older than `keepMs`, or the oldest if the stream is nearly full, but never an unhandled one. Returns the
 * number of removed events. The broker itself discards no event: if unhandled events fill the stream, publishing fails and is
 * retried.
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

/** Sequence of the first event since that time. Undefined: all are older. */
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

/** One sweep: trims the events, and logs a warning for every nearly full stream except TRACES. */
export async function sweepStreams(connection: NatsConnection, options: KeeperOptions): Promise<void> {
  await trimEvents(connection, options);
  for (const { stream, bytes, limitBytes } of await readStreams(connection)) {
    // A full trace stream drops its oldest traces, which is harmless.
    if (stream === TRACES_STREAM || bytes < HIGH_SHARE * limitBytes) continue;
    options.logger.warn({ stream, bytes, limitBytes }, CONSEQUENCES[stream] ?? REFUSES);
  }
}

const REFUSES =
  'the stream is nearly full of unhandled messages; once it is full, publishing fails until they are handled';
const CONSEQUENCES: Readonly<Record<string, string>> = {
  DEAD_LETTERS: 'the dead letter stream is nearly full; once it is full, the oldest are dropped: replay or remove them',
};

/** Sweeps every `intervalMs` until stopped. Safe to run on several replicas. */
export function startStreamKeeper(connection: NatsConnection, options: KeeperOptions): Periodic {
  return every(options.intervalMs, () => sweepStreams(connection, options), {
    clock: options.clock ?? systemClock,
    onError: (error) => {
      options.logger.warn({ err: error }, 'the sweep of the streams failed; retrying');
    },
  });
}
