import { EVENTS_STREAM } from '@clipmesh/contracts';
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

export interface ReadEvent {
  readonly name: string;
  readonly body: unknown;
  /** Number of later events of the generation that were already stored when this one was read. */
  readonly pending: number;
}

/** Yields the stored events of a generation, oldest first, then new ones until the signal aborts. */
export async function* readEvents(
  connection: NatsConnection,
  generationId: string,
  options: { readonly signal: AbortSignal },
): AsyncGenerator<ReadEvent, void, undefined> {
  const prefix = `events.${generationId}.`;
  const consumer = await jetstream(connection).consumers.get(EVENTS_STREAM, {
    filter_subjects: `${prefix}>`,
    deliver_policy: DeliverPolicy.All,
  });
  const messages = await consumer.consume();
  const stop = (): void => {
    messages.stop();
  };
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  try {
    for await (const message of messages) {
      const { body } = message.json<{ body: unknown }>();
      yield { name: message.subject.slice(prefix.length), body, pending: message.info.pending };
    }
  } finally {
    options.signal.removeEventListener('abort', stop);
    messages.stop();
    // Each reader has its own consumer, which the broker would otherwise keep for minutes.
    void consumer.delete().catch(() => undefined);
  }
}

/** Position of the first event of a generation. */
export interface EventsStart {
  /** Last sequence of the stream before it. Undefined: unknown. */
  readonly after?: number | undefined;
  /** A time not later than the first event, ms since the epoch. */
  readonly sinceMs: number;
}

/** Last sequence of the event stream. Throws if the broker does not answer. */
export async function lastEventSequence(connection: NatsConnection): Promise<number> {
  return (await (await jetstreamManager(connection)).streams.info(EVENTS_STREAM)).state.last_seq;
}

/**
 * Whether the stream has every event from that position on. Trimming removes the oldest events, so no event newer than the
 * first stored one is missing. Also false if it cannot be determined.
 */
export async function hasAllEvents(connection: NatsConnection, { after, sinceMs }: EventsStart): Promise<boolean> {
  const { state } = await (await jetstreamManager(connection)).streams.info(EVENTS_STREAM);
  if (state.first_seq <= (after ?? 0) + 1) return true;
  return state.messages > 0 && Date.parse(state.first_ts) < sinceMs;
}
