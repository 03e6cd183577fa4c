import { EVENTS_STREAM, INBOXES, type InboxSpec, type StreamSpec, STREAMS } from '@clipmesh/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import { createOrOpen } from './make.once.js';

export interface ProvisionOptions {
  readonly replicas?: number;
  /** Work without a sign of life for this long is delivered again, ms. */
  readonly ackWaitMs?: number;
  /** Limit of the stream EVENTS. Default: the topology's, 512 MB. */
  readonly eventsMaxBytes?: number;
}

/** Deliveries are counted by the runtime, which gives up long before: a message past the broker's limit would lie for ever. */
const UNLIMITED = -1;

/** Creates or updates every stream and durable consumer. Any service may do it, several at once too. */
export async function provision(connection: NatsConnection, options: ProvisionOptions = {}): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const spec of STREAMS) {
    const maxBytes = spec.name === EVENTS_STREAM ? (options.eventsMaxBytes ?? spec.maxBytes) : spec.maxBytes;
    await provisionStream(manager, { ...spec, maxBytes }, options.replicas ?? 1);
  }
  for (const inbox of Object.values(INBOXES)) await provisionInbox(manager, inbox, options.ackWaitMs ?? 15_000);
}

/** The broker's code for a stream that is not there. */
const NO_STREAM = 10_059;

async function provisionStream(manager: JetStreamManager, spec: StreamSpec, replicas: number): Promise<void> {
  const config = {
    name: spec.name,
    description: spec.description,
    subjects: [...spec.subjects],
    retention: spec.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: spec.whenFull === 'refuse' ? DiscardPolicy.New : DiscardPolicy.Old,
    max_age: nanos(spec.maxAgeMs),
    max_bytes: spec.maxBytes,
    duplicate_window: nanos(spec.duplicateWindowMs),
    num_replicas: replicas,
  };
  await createOrOpen(async () => {
    try {
      await manager.streams.update(spec.name, config);
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== NO_STREAM) throw error;
      await manager.streams.add(config);
    }
  });
}

/** The broker's codes for a consumer that exists with another configuration; servers before 2.10 update it instead. */
const EXISTS = new Set([10_013, 10_148]);

/** Makes the inbox, or brings one that exists to these settings (and fails only where the change is not allowed). */
export async function provisionInbox(manager: JetStreamManager, inbox: InboxSpec, ackWaitMs: number): Promise<void> {
  const config = {
    durable_name: inbox.durable,
    filter_subject: inbox.filterSubject,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ackWaitMs),
    max_deliver: UNLIMITED,
    max_ack_pending: inbox.maxAckPending ?? 1000,
  };
  try {
    await manager.consumers.add(inbox.stream, config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || !EXISTS.has(error.code)) throw error;
    await manager.consumers.update(inbox.stream, inbox.durable, config);
  }
}
