import { AlreadyExistsError, ConflictError } from '../ports/versioned.port.js';

/** Rejection handler for the removal of one revision: ignores {@link ConflictError} and rethrows any other error. */
export function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}

/** Whether a create stored a new record. False: the record exists already. */
export async function isNew(create: Promise<unknown>): Promise<boolean> {
  try {
    await create;
    return true;
  } catch (error) {
    if (error instanceof AlreadyExistsError) return false;
    throw error;
  }
}
