import { EVENTS_STREAM } from '@clipmesh/contracts';
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

export interface ReadEvent {
  readonly name: string;
  readonly body: unknown;
  /** Events of the generation that were stored after this one when it was read. */
  readonly pending: number;
}

/** Replays a generation's stored events from the first on, then follows them until the signal aborts. */
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
    // The broker would keep it for minutes, and every reader has one of its own.
    void consumer.delete().catch(() => undefined);
  }
}

/** Where the events of a generation begin. */
export interface EventsStart {
  /** Last sequence of the stream before them, where it is known. */
  readonly after?: number | undefined;
  /** Not later than their first one, ms since the epoch. */
  readonly sinceMs: number;
}

/** Last sequence of the stream of events. Throws when the broker does not answer. */
export async function lastEventSequence(connection: NatsConnection): Promise<number> {
  return (await (await jetstreamManager(connection)).streams.info(EVENTS_STREAM)).state.last_seq;
}

/**
 * Whether the stream has every event from there on. Trimming removes the oldest events of the stream, so that nothing newer
 * than its first event is missing. False as well where that cannot be told.
 */
export async function hasAllEvents(connection: NatsConnection, { after, sinceMs }: EventsStart): Promise<boolean> {
  const { state } = await (await jetstreamManager(connection)).streams.info(EVENTS_STREAM);
  if (state.first_seq <= (after ?? 0) + 1) return true;
  return state.messages > 0 && Date.parse(state.first_ts) < sinceMs;
}
