import { createHash } from 'node:crypto';
import { IN_FLIGHT_MS } from '@clipmesh/billing';
import { createdAtMs, type CreateGeneration, createGenerationSchema } from '@clipmesh/contracts';
import { type IdempotencyClaim, type Stores } from '@clipmesh/persistence';
import { badRequest, ProblemError } from './problems/problem.js';

const KEY = /^[\x21-\x7e]{1,200}$/;

/** The claim of an owner's key. Throws a 400 for an invalid key. */
export function claimOf(owner: string, key: string): string {
  if (!KEY.test(key)) throw badRequest('Idempotency-Key', 'must have 1-200 visible ASCII characters');
  return `${owner}:${key}`;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A value as JSON, with the fields of its objects sorted by name. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The default of each field that has one. */
const { prompt: _prompt, ...DEFAULTS } = createGenerationSchema.parse({ prompt: 'the shortest prompt' });

/**
 * The hash of a valid request as a value. It ignores the order of fields, the notation of numbers and strings, and fields
 * that equal their default. New optional fields therefore do not change the hashes of existing requests.
 */
export function fingerprintOf(request: CreateGeneration): string {
  const named = Object.entries(request).filter(
    ([name, value]) =>
      !Object.hasOwn(DEFAULTS, name) || canonical(value) !== canonical(DEFAULTS[name as keyof typeof DEFAULTS]),
  );
  return digest(canonical(Object.fromEntries(named)));
}

/** The hash of previous versions, which kept the order of metadata. Their claims are still valid. */
export const legacyFingerprintOf = (request: CreateGeneration): string => digest(JSON.stringify(request));

export interface StoredClaim extends IdempotencyClaim {
  /** The generation of an older claim exists. */
  stored: boolean;
}

/**
 * Claims a key for a new generation. When an older claim has no generation, the claim is read again: if it still exists, its
 * create is in flight or has crashed, because a removal deletes the claim before the record.
 */
export async function claimKey(
  { idempotency, generations }: Pick<Stores, 'idempotency' | 'generations'>,
  key: string,
  fingerprint: string,
  newId: string,
): Promise<StoredClaim> {
  let claim = await idempotency.claim(key, fingerprint, newId);
  for (;;) {
    if (claim.fresh) return { ...claim, stored: false };
    if ((await generations.get(claim.generationId)) !== undefined) return { ...claim, stored: true };
    const again = await idempotency.claim(key, fingerprint, newId);
    if (!again.fresh && again.generationId === claim.generationId) return { ...again, stored: false };
    claim = again;
  }
}

/**
 * Whether to execute the request (`true`) or to return its existing generation. Throws a 422 when the key was used with
 * another body, and a 409 while the first request of the key is in flight.
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
      'this Idempotency-Key was used with another body; use a new key for a new request',
      {
        extensions: {
          retryable: false,
          errors: [{ field: 'Idempotency-Key', message: 'was used with another body' }],
        },
      },
    );
  if (claim.stored) return false;
  if (request.atMs - createdAtMs(claim.generationId) > IN_FLIGHT_MS) return true;
  throw new ProblemError(
    409,
    'IDEMPOTENCY_KEY_IN_FLIGHT',
    'The first request of this key is in flight',
    'another request with this Idempotency-Key is in flight; retry in a moment',
    { extensions: { retryable: true }, headers: { 'Retry-After': '1' } },
  );
}
