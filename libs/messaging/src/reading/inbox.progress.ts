import { EVENTS_STREAM, INBOXES, type InboxName, type InboxSpec } from '@clipmesh/contracts';
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

/** Whether the director has handled every event of a generation that was stored before this call. */
export async function directorCaughtUp(connection: NatsConnection, generationId: string): Promise<boolean> {
  const manager = await jetstreamManager(connection);
  return (await pendingInbox(manager, generationId, ['director'])) === undefined;
}

/** The first of the inboxes that has unhandled events of the generation. Undefined: none. */
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
    // Events outside the filter of the inbox do not move its ack floor, so it may lag with nothing pending.
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
