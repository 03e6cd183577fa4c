import { createHash } from 'node:crypto';
import { type CreateGeneration, createGenerationSchema } from '@clipmesh/contracts';
import { type IdempotencyClaim, type Stores } from '@clipmesh/persistence';
import { badRequest, ProblemError } from './problem.js';

const KEY = /^[\x21-\x7e]{1,200}$/;

/** Longest time a create takes; a claim older than this whose generation is not there was left by a crash. */
export const IN_FLIGHT_MS = 15_000;

/** What an owner's key is claimed under. Throws a 400. */
export function claimOf(owner: string, key: string): string {
  if (!KEY.test(key)) throw badRequest('Idempotency-Key', '1-200 visible ASCII characters');
  return `${owner}:${key}`;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A value in JSON, the fields of its objects in the order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** What a request holds that does not name a field. */
const { prompt: _prompt, ...DEFAULTS } = createGenerationSchema.parse({ prompt: 'the shortest prompt' });

/**
 * The hash of a checked request as a value: neither the order of fields nor the writing of numbers and texts counts, and a
 * field with its default counts as one that is not named. A default that the API gets later changes no earlier hash.
 */
export function fingerprintOf(request: CreateGeneration): string {
  const named = Object.entries(request).filter(
    ([name, value]) =>
      !Object.hasOwn(DEFAULTS, name) || canonical(value) !== canonical(DEFAULTS[name as keyof typeof DEFAULTS]),
  );
  return digest(canonical(Object.fromEntries(named)));
}

/** The hash under which former versions claimed a key: metadata in the order of the request. Claims of then still count. */
export const legacyFingerprintOf = (request: CreateGeneration): string => digest(JSON.stringify(request));

/** When an id was made, ms since the epoch: it begins with the time (UUID version 7). */
export function createdAtMs(generationId: string): number {
  return Number.parseInt(generationId.slice(4, 16), 16);
}

export interface StoredClaim extends IdempotencyClaim {
  /** The generation of an older claim is there. */
  stored: boolean;
}

/**
 * Claims a key for a new generation. Where the generation of an older claim is not there, the claim is looked at again:
 * one that still stands is under way or was left by a crash, for a removed generation's claim goes before its record.
 */
export async function claimKey(
  { idempotency, generations }: Pick<Stores, 'idempotency' | 'generations'>,
  key: string,
  fingerprint: string,
  made: string,
): Promise<StoredClaim> {
  let claim = await idempotency.claim(key, fingerprint, made);
  for (;;) {
    if (claim.fresh) return { ...claim, stored: false };
    if ((await generations.get(claim.generationId)) !== undefined) return { ...claim, stored: true };
    const again = await idempotency.claim(key, fingerprint, made);
    if (!again.fresh && again.generationId === claim.generationId) return { ...again, stored: false };
    claim = again;
  }
}

/**
 * Whether the request is to be carried out (`true`) or was before. Throws 422 when the key came with another body, and 409
 * while the first request of the key is under way.
 */
export function resolveClaim(
  claim: Readonly<StoredClaim>,
  request: { readonly fingerprints: readonly string[]; readonly atMs: number },
): boolean {
  if (claim.fresh) return true;
  if (!request.fingerprints.includes(claim.fingerprint))
    throw new ProblemError(
      422,
      'IDEMPOTENCY_KEY_REUSED',
      'The Idempotency-Key was used before',
      'this Idempotency-Key came with another body; use a new key for a new request',
      {
        extensions: {
          retryable: false,
          errors: [{ field: 'Idempotency-Key', message: 'it came with another body before' }],
        },
      },
    );
  if (claim.stored) return false;
  if (request.atMs - createdAtMs(claim.generationId) > IN_FLIGHT_MS) return true;
  throw new ProblemError(
    409,
    'IDEMPOTENCY_KEY_IN_FLIGHT',
    'The first request of this key is under way',
    'another request with this Idempotency-Key is being answered; ask again in a moment',
    { extensions: { retryable: true }, headers: { 'Retry-After': '1' } },
  );
}
