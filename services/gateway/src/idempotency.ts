import { createHash } from 'node:crypto';
import { type CreateGeneration } from '@clipmesh/contracts';
import { badRequest, ProblemError } from './problem.js';

const KEY = /^[\x21-\x7e]{1,200}$/;

/** Longest time a create takes; a claim older than this whose generation is not there was left by a crash. */
export const IN_FLIGHT_MS = 15_000;

/** Throws a 400. */
export function checkKey(key: string): void {
  if (!KEY.test(key)) throw badRequest('Idempotency-Key: 1-200 visible ASCII characters');
}

/** The hash of a checked request: defaults filled in, fields in the order of the schema. */
export function fingerprintOf(request: CreateGeneration): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex');
}

/** When an id was made, ms since the epoch: it begins with the time (UUID version 7). */
export function madeAtMs(generationId: string): number {
  return Number.parseInt(generationId.slice(4, 16), 16);
}

/**
 * Whether the request is to be carried out (`true`) or was before. Throws 422 when the key came with another body, and 409
 * while the first request of the key is under way.
 */
export function judgeClaim(
  claim: { readonly fingerprint: string; readonly generationId: string; readonly fresh: boolean },
  request: { readonly fingerprint: string; readonly stored: boolean; readonly atMs: number },
): boolean {
  if (claim.fresh) return true;
  if (claim.fingerprint !== request.fingerprint)
    throw new ProblemError(
      422,
      'IDEMPOTENCY_KEY_REUSED',
      'The Idempotency-Key was used before',
      'this Idempotency-Key came with another body; use a new key for a new request',
      { extensions: { retryable: false } },
    );
  if (request.stored) return false;
  if (request.atMs - madeAtMs(claim.generationId) > IN_FLIGHT_MS) return true;
  throw new ProblemError(
    409,
    'IDEMPOTENCY_KEY_IN_FLIGHT',
    'The first request of this key is under way',
    'another request with this Idempotency-Key is being answered; ask again in a moment',
    { extensions: { retryable: true }, headers: { 'Retry-After': '1' } },
  );
}
