import { type Config } from '@clipmesh/config';
import { type NatsConnection } from '@nats-io/transport-node';
import { openKvStores } from './kv/kv.stores.js';
import { type OpenStores } from './ports/stores.port.js';

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
  /** Time that one operation waits for an unreachable MongoDB, ms. Default: `MONGODB_WAIT_SECONDS`. */
  readonly waitMs?: number;
}

/** Opens the configured stores: MongoDB if `MONGODB_URI` is set, else buckets of the broker. Throws `STORE_UNAVAILABLE`. */
export async function openStores({ connection, config, waitMs }: StoresOptions): Promise<OpenStores> {
  const { claimRetentionMs } = config;
  if (config.mongodbUri === undefined) {
    const stores = await openKvStores(connection, { replicas: config.natsReplicas, claimRetentionMs });
    // The caller owns the connection.
    return { ...stores, close: () => Promise.resolve() };
  }
  // Loading mongoose takes a fifth of the start time of a service, so it is loaded on demand.
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
