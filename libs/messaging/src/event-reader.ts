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

/**
 * Whether the stream still has every event since then, ms since the epoch. Trimming removes the oldest events of the
 * stream, so that nothing newer than its first event is missing.
 */
export async function hasAllEventsSince(connection: NatsConnection, sinceMs: number): Promise<boolean> {
  const { state } = await (await jetstreamManager(connection)).streams.info(EVENTS_STREAM);
  return state.first_seq <= 1 || (state.messages > 0 && Date.parse(state.first_ts) < sinceMs);
}
