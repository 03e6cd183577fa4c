import {
  commandStream,
  DEAD_LETTERS_STREAM,
  EVENTS_STREAM,
  GENERATION_ID,
  INBOXES,
  type InboxSpec,
  WORK_COMMANDS,
} from '@clipmesh/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { readStreams, type StreamFill } from './stream.keeper.js';

/** Pending work at the broker. */
export interface Backlog {
  /** Generations with a command that is pending or in progress. */
  readonly generations: ReadonlySet<string>;
  /** Events that the director has not handled. */
  readonly directorLag: number;
}

/** Reads the backlog: one request per stream, independent of the number of messages. */
export async function readBacklog(connection: NatsConnection): Promise<Backlog> {
  const manager = await jetstreamManager(connection);
  const generations = new Set<string>();
  for (const command of WORK_COMMANDS) {
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

/** State of an inbox. */
export interface InboxState {
  /** Messages that no replica has received. */
  readonly waiting: number;
  /** Messages in progress or due for redelivery. */
  readonly pendingAck: number;
}
/** State of the broker, for monitoring. */
export interface BrokerState {
  /** By durable name. */
  readonly inboxes: ReadonlyMap<string, InboxState>;
  readonly deadLetters: number;
  readonly streams: readonly StreamFill[];
}

/** Reads the state of the broker: one request per inbox and stream, independent of the number of messages. */
export async function readBrokerState(connection: NatsConnection): Promise<BrokerState> {
  const manager = await jetstreamManager(connection);
  const read = async ({ stream, durable }: InboxSpec): Promise<[string, InboxState]> => {
    const { num_pending, num_ack_pending } = await manager.consumers.info(stream, durable);
    return [durable, { waiting: num_pending, pendingAck: num_ack_pending }];
  };
  const [streams, letters, ...inboxes] = await Promise.all([
    readStreams(connection),
    manager.streams.info(DEAD_LETTERS_STREAM),
    ...Object.values<InboxSpec>(INBOXES).map(read),
  ]);
  return { inboxes: new Map(inboxes), deadLetters: letters.state.messages, streams };
}

/**
 * Removes acked commands that are still in their stream, and returns their number. A killed broker may restart with the ack
 * stored and the removal lost; such a message is neither delivered nor removed.
 */
export async function purgeAcked(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection);
  let dropped = 0;
  for (const { stream, durable } of Object.values<InboxSpec>(INBOXES)) {
    if (stream === EVENTS_STREAM) continue;
    const { state } = await manager.streams.info(stream);
    if (state.messages === 0) continue;
    const { ack_floor } = await manager.consumers.info(stream, durable);
    if (state.first_seq > ack_floor.stream_seq) continue;
    dropped += (await manager.streams.purge(stream, { seq: ack_floor.stream_seq + 1 })).purged;
  }
  return dropped;
}
