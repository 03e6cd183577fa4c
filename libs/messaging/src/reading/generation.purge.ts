import {
  ClipmeshError,
  COMMANDS,
  commandStream,
  DEAD_LETTERS_STREAM,
  EVENTS_STREAM,
  INBOXES,
  type InboxName,
  TRACES_STREAM,
} from '@clipmesh/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { pendingInbox } from './inbox.progress.js';

const EVENT_INBOXES = (Object.keys(INBOXES) as InboxName[]).filter((name) => INBOXES[name].stream === EVENTS_STREAM);

/**
 * Removes all messages, dead letters and spans of a finished generation from the broker. Throws a retryable
 * `STORE_UNAVAILABLE` while an inbox has not handled all its events, so that no charge is lost.
 */
export async function purgeGeneration(
  connection: NatsConnection,
  { generationId, traceIds }: { readonly generationId: string; readonly traceIds: readonly string[] },
): Promise<void> {
  const manager = await jetstreamManager(connection);
  const inbox = await pendingInbox(manager, generationId, EVENT_INBOXES);
  if (inbox !== undefined)
    throw new ClipmeshError('STORE_UNAVAILABLE', `${inbox} has not handled every event of ${generationId} yet`);
  for (const command of COMMANDS)
    await manager.streams.purge(commandStream(command), { filter: `${command.name}.${generationId}` });
  await manager.streams.purge(EVENTS_STREAM, { filter: `events.${generationId}.>` });
  await manager.streams.purge(DEAD_LETTERS_STREAM, { filter: `dead.${generationId}.>` });
  for (const traceId of traceIds) await manager.streams.purge(TRACES_STREAM, { filter: `traces.${traceId}` });
}
