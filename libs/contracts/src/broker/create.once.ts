/** Error codes of the broker if another service created the same stream concurrently. Before 2.10: overlapping subjects. */
const CREATED_CONCURRENTLY: ReadonlySet<unknown> = new Set([10_058, 10_065]);

const isCreatedConcurrently = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'JetStreamApiError' &&
  'code' in error &&
  CREATED_CONCURRENTLY.has(error.code);

/** Creates or opens a stream or bucket. Calls `create` again if another service created the same one concurrently. */
export async function createOrOpen<T>(create: () => Promise<T>): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (!isCreatedConcurrently(error)) throw error;
    return create();
  }
}
