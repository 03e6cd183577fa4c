import { JetStreamApiError } from '@nats-io/jetstream';

/** Error codes of the broker if another service created the same stream concurrently. Before 2.10: overlapping subjects. */
const CREATED_CONCURRENTLY = new Set([10_058, 10_065]);

/** Creates or opens a stream or bucket. Calls `create` again if another service created the same one concurrently. */
export async function createOrOpen<T>(create: () => Promise<T>): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || !CREATED_CONCURRENTLY.has(error.code)) throw error;
    return create();
  }
}
