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

/** How an inbox stands. */
export interface InboxState {
  /** Messages that no replica has taken yet. */
  readonly waiting: number;
  /** Messages that a replica handles, or is to get again. */
  readonly pendingAck: number;
}
/** What the broker holds, for those who watch over it. */
export interface BrokerState {
  /** By the inbox's durable name. */
  readonly inboxes: ReadonlyMap<string, InboxState>;
  readonly deadLetters: number;
  readonly streams: readonly StreamFill[];
}

/** Asks the broker: one request per inbox and per stream, however many messages there are. */
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
 * Removes commands that were acknowledged and are still there: a broker that is killed may come back with the
 * acknowledgement kept and the removal lost, and such a message would neither be delivered nor go. Returns how many.
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
