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
import { pendingInbox } from './handled.js';

const EVENT_INBOXES = (Object.keys(INBOXES) as InboxName[]).filter((name) => INBOXES[name].stream === EVENTS_STREAM);

/**
 * Removes every message, dead letter and span of an ended generation from the broker. Throws a retryable `STORE_UNAVAILABLE` while
 * an inbox still has an event of it to handle: the booking of a charge, say, is never cut off.
 */
export async function purgeGeneration(
  connection: NatsConnection,
  { generationId, traceIds }: { readonly generationId: string; readonly traceIds: readonly string[] },
): Promise<void> {
  const manager = await jetstreamManager(connection);
  const unheard = await pendingInbox(manager, generationId, EVENT_INBOXES);
  if (unheard !== undefined)
    throw new ClipmeshError('STORE_UNAVAILABLE', `${unheard} has not handled every event of ${generationId} yet`);
  for (const command of COMMANDS)
    await manager.streams.purge(commandStream(command), { filter: `${command.name}.${generationId}` });
  await manager.streams.purge(EVENTS_STREAM, { filter: `events.${generationId}.>` });
  await manager.streams.purge(DEAD_LETTERS_STREAM, { filter: `dead.${generationId}.>` });
  for (const traceId of traceIds) await manager.streams.purge(TRACES_STREAM, { filter: `traces.${traceId}` });
}
