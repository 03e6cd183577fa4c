import { createOrOpen, EVENTS_STREAM, INBOXES, type InboxSpec, type StreamSpec, STREAMS } from '@clipmesh/contracts';
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

export interface ProvisionOptions {
  readonly replicas?: number;
  /** Time without a progress ack after which a message is redelivered, ms. Default: 15000. */
  readonly ackWaitMs?: number;
  /** Size limit of the stream EVENTS, bytes. Default: 512 MB. */
  readonly eventsMaxBytes?: number;
}

/** The runner limits deliveries. A message over the broker's own limit would stay in the stream forever. */
const UNLIMITED = -1;

/** Creates or updates all streams and durable consumers. Idempotent and safe to run concurrently. */
export async function provision(connection: NatsConnection, options: ProvisionOptions = {}): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const spec of STREAMS) {
    const maxBytes = spec.name === EVENTS_STREAM ? (options.eventsMaxBytes ?? spec.maxBytes) : spec.maxBytes;
    await provisionStream(manager, { ...spec, maxBytes }, options.replicas ?? 1);
  }
  for (const inbox of Object.values(INBOXES)) await provisionInbox(manager, inbox, options.ackWaitMs ?? 15_000);
}

/** Error code of the broker for a missing stream. */
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

/** Error codes of the broker for a consumer with another configuration. Servers before 2.10 update it instead. */
const EXISTS = new Set([10_013, 10_148]);

/** Creates or updates the consumer of an inbox. Throws if the broker does not allow the change. */
async function provisionInbox(manager: JetStreamManager, inbox: InboxSpec, ackWaitMs: number): Promise<void> {
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
