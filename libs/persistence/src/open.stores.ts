import { type Config } from '@clipmesh/config';
import { type NatsConnection } from '@nats-io/transport-node';
import { openKvStores } from './kv/kv.stores.js';
import { type OpenStores } from './ports.js';

export interface StoresOptions {
  readonly connection: NatsConnection;
  readonly config: Pick<
    Config,
    | 'mongodbUri'
    | 'mongodbWaitMs'
    | 'mongodbConnectTimeoutMs'
    | 'mongodbSocketTimeoutMs'
    | 'claimRetentionMs'
    | 'natsReplicas'
  >;
  /** Longest wait of one operation for a MongoDB that is away, ms; `MONGODB_WAIT_SECONDS` unless told. */
  readonly waitMs?: number;
}

/** The stores that are configured: MongoDB when `MONGODB_URI` is set, else buckets of the broker. Throws `STORE_UNAVAILABLE`. */
export async function openStores({ connection, config, waitMs }: StoresOptions): Promise<OpenStores> {
  const { claimRetentionMs } = config;
  if (config.mongodbUri === undefined) {
    const stores = await openKvStores(connection, { replicas: config.natsReplicas, claimRetentionMs });
    // The connection is the caller's.
    return { ...stores, close: () => Promise.resolve() };
  }
  // mongoose takes a fifth of a service's start: only those load it who keep their records in it.
  const { openMongoStores } = await import('./mongo/mongo.stores.js');
  return openMongoStores({
    uri: config.mongodbUri,
    waitMs: waitMs ?? config.mongodbWaitMs,
    startMs: config.mongodbWaitMs,
    connectTimeoutMs: config.mongodbConnectTimeoutMs,
    socketTimeoutMs: config.mongodbSocketTimeoutMs,
    claimRetentionMs,
  });
}
