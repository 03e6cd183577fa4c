import { JetStreamApiError } from '@nats-io/jetstream';

/** The broker's codes for a stream that another service made between our look and our wish; before 2.10 the subjects overlap. */
const MADE_MEANWHILE = new Set([10_058, 10_065]);

/** Makes a stream or a bucket, or finds it: `make` is called once more when another service was making the same one. */
export async function createOrOpen<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || !MADE_MEANWHILE.has(error.code)) throw error;
    return make();
  }
}
