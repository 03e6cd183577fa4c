import { withSpan } from '@clipmesh/tracing';

/** Runs a store operation, `COLLECTION.OPERATION`, in a span. */
export function operation<T>(name: string, work: () => Promise<T>): Promise<T> {
  const [collection = name, what = name] = name.split('.');
  // Files are not a database.
  const attributes = collection === 'artifacts' ? {} : { 'db.collection.name': collection, 'db.operation.name': what };
  return withSpan('clipmesh.persistence', name, attributes, work);
}
