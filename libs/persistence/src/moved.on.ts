import { ConflictError } from './ports.js';

/** For a removal of one revision that is done as well when another was faster: takes the conflict, throws the rest. */
export function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}
