import { ConflictError } from '../ports/versioned.port.js';

/** Rejection handler for the removal of one revision: ignores {@link ConflictError} and rethrows any other error. */
export function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}
