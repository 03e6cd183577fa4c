import { ClipmeshError, isWriteConflict, messageOf } from '@clipmesh/contracts';
import mongoose from 'mongoose';
import { unavailable } from '../records/store.error.js';

/** MongoDB's error code for a duplicate key. */
const DUPLICATE_KEY = 11_000;

export function isDuplicate(error: unknown): boolean {
  return error instanceof mongoose.mongo.MongoServerError && error.code === DUPLICATE_KEY;
}

/** Maps an error: our own stay, an invalid document becomes `SCHEMA_VIOLATION`, any other `STORE_UNAVAILABLE`. */
export function storeError(collection: string, cause: unknown): Error {
  if (cause instanceof ClipmeshError || isWriteConflict(cause)) return cause;
  const isInvalid = cause instanceof mongoose.Error.ValidationError || cause instanceof mongoose.Error.CastError;
  const what = `collection ${collection}`;
  if (!isInvalid) return unavailable(what, cause);
  return new ClipmeshError('SCHEMA_VIOLATION', `${what}: ${messageOf(cause)}`, { cause });
}
