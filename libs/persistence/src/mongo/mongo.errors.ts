import { ClipmeshError } from '@clipmesh/contracts';
import mongoose from 'mongoose';
import { AlreadyExistsError, ConflictError } from '../ports/versioned.port.js';

/** MongoDB's error code for a duplicate key. */
const DUPLICATE_KEY = 11_000;

export function isDuplicate(error: unknown): boolean {
  return error instanceof mongoose.mongo.MongoServerError && error.code === DUPLICATE_KEY;
}

/** Maps an error: our own stay, an invalid document becomes `SCHEMA_VIOLATION`, any other `STORE_UNAVAILABLE`. */
export function storeError(collection: string, cause: unknown): Error {
  if (cause instanceof ClipmeshError || cause instanceof AlreadyExistsError || cause instanceof ConflictError)
    return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const isInvalid = cause instanceof mongoose.Error.ValidationError || cause instanceof mongoose.Error.CastError;
  return new ClipmeshError(
    isInvalid ? 'SCHEMA_VIOLATION' : 'STORE_UNAVAILABLE',
    `collection ${collection}: ${detail}`,
    {
      cause,
    },
  );
}
