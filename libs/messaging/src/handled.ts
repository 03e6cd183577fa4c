import { EVENTS_STREAM, INBOXES, type InboxName, type InboxSpec } from '@clipmesh/contracts';
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

/** Whether the director has handled every event of a generation that was stored before this was asked. */
export async function directorCaughtUp(connection: NatsConnection, generationId: string): Promise<boolean> {
  const manager = await jetstreamManager(connection);
  return (await pendingInbox(manager, generationId, ['director'])) === undefined;
}

/** One of these inboxes that has events of the generation still to handle; undefined when none has. */
export async function pendingInbox(
  manager: JetStreamManager,
  generationId: string,
  names: readonly InboxName[],
): Promise<InboxName | undefined> {
  const last = await lastSequence(manager, `events.${generationId}.>`);
  if (last === undefined) return undefined;
  for (const name of names) {
    const { stream, durable }: InboxSpec = INBOXES[name];
    const { ack_floor, num_pending, num_ack_pending } = await manager.consumers.info(stream, durable);
    // The floor stands still where nothing that the inbox wants has come since.
    if (ack_floor.stream_seq < last && num_pending + num_ack_pending > 0) return name;
  }
  return undefined;
}

async function lastSequence(manager: JetStreamManager, subject: string): Promise<number | undefined> {
  try {
    return (await manager.streams.getMessage(EVENTS_STREAM, { last_by_subj: subject }))?.seq;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return undefined;
    throw error;
  }
}
