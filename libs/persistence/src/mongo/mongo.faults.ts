import { ClipmeshError } from '@clipmesh/contracts';
import mongoose from 'mongoose';
import { AlreadyExistsError, ConflictError } from '../ports.js';

/** MongoDB's code for a second document of one unique key. */
const DUPLICATE_KEY = 11_000;

export function isDuplicate(error: unknown): boolean {
  return error instanceof mongoose.mongo.MongoServerError && error.code === DUPLICATE_KEY;
}

/** What a store throws for a fault: ours stay, a refused document is `SCHEMA_VIOLATION`, the rest `STORE_UNAVAILABLE`. */
export function storeError(collection: string, cause: unknown): Error {
  if (cause instanceof ClipmeshError || cause instanceof AlreadyExistsError || cause instanceof ConflictError)
    return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const refused = cause instanceof mongoose.Error.ValidationError || cause instanceof mongoose.Error.CastError;
  return new ClipmeshError(refused ? 'SCHEMA_VIOLATION' : 'STORE_UNAVAILABLE', `collection ${collection}: ${detail}`, {
    cause,
  });
}
