import { withSpan } from '@clipmesh/tracing';

/** Runs one store operation in its span. */
export function operation<T>(name: string, work: () => Promise<T>): Promise<T> {
  return withSpan('clipmesh.persistence', name, {}, work);
}
