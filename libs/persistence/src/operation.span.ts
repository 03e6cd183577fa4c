import { withSpan } from '@clipmesh/tracing';

/** Runs one store operation, `COLLECTION.OPERATION`, in its span. */
export function operation<T>(name: string, work: () => Promise<T>): Promise<T> {
  const [collection = name, what = name] = name.split('.');
  // Files are no database.
  const attributes = collection === 'artifacts' ? {} : { 'db.collection.name': collection, 'db.operation.name': what };
  return withSpan('clipmesh.persistence', name, attributes, work);
}
