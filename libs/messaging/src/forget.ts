import {
  ClipmeshError,
  COMMANDS,
  commandStream,
  DEAD_LETTERS_STREAM,
  EVENTS_STREAM,
  INBOXES,
  type InboxSpec,
  TRACES_STREAM,
} from '@clipmesh/contracts';
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

/**
 * Removes every message, dead letter and span of an ended generation from the broker. Throws a retryable `STORE_UNAVAILABLE` while
 * an inbox still has an event of it to handle: the booking of a charge, say, is never cut off.
 */
export async function forgetGeneration(
  connection: NatsConnection,
  { generationId, traceIds }: { readonly generationId: string; readonly traceIds: readonly string[] },
): Promise<void> {
  const manager = await jetstreamManager(connection);
  const events = `events.${generationId}.>`;
  const last = await lastSequence(manager, events);
  if (last !== undefined) {
    for (const [name, { stream, durable }] of Object.entries<InboxSpec>(INBOXES)) {
      if (stream !== EVENTS_STREAM) continue;
      const { ack_floor, num_pending, num_ack_pending } = await manager.consumers.info(stream, durable);
      // The floor stands still where nothing that the inbox wants has come since.
      if (ack_floor.stream_seq >= last || num_pending + num_ack_pending === 0) continue;
      throw new ClipmeshError('STORE_UNAVAILABLE', `${name} has not handled every event of ${generationId} yet`);
    }
  }
  for (const command of COMMANDS)
    await manager.streams.purge(commandStream(command), { filter: `${command.name}.${generationId}` });
  await manager.streams.purge(EVENTS_STREAM, { filter: events });
  await manager.streams.purge(DEAD_LETTERS_STREAM, { filter: `dead.${generationId}.>` });
  for (const traceId of traceIds) await manager.streams.purge(TRACES_STREAM, { filter: `traces.${traceId}` });
}

async function lastSequence(manager: JetStreamManager, subject: string): Promise<number | undefined> {
  try {
    return (await manager.streams.getMessage(EVENTS_STREAM, { last_by_subj: subject }))?.seq;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return undefined;
    throw error;
  }
}
