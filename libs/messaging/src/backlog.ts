import { COMMANDS, commandStream, GENERATION_ID, INBOXES } from '@clipmesh/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

/** What the broker still holds to be done. */
export interface Backlog {
  /** Generations with a command that waits or is being handled. */
  readonly generations: ReadonlySet<string>;
  /** Events that the director has not handled yet. */
  readonly directorLag: number;
}

/** Asks the broker's state: one request per stream, however many messages there are. */
export async function readBacklog(connection: NatsConnection): Promise<Backlog> {
  const manager = await jetstreamManager(connection);
  const generations = new Set<string>();
  for (const command of COMMANDS) {
    const { state } = await manager.streams.info(commandStream(command), { subjects_filter: `${command.name}.>` });
    for (const subject of Object.keys(state.subjects ?? {})) {
      const id = subject.split('.').at(-1) ?? '';
      if (GENERATION_ID.test(id)) generations.add(id);
    }
  }
  const { stream, durable } = INBOXES.director;
  const { num_pending, num_ack_pending } = await manager.consumers.info(stream, durable);
  return { generations, directorLag: num_pending + num_ack_pending };
}
