import { ConflictError, retryOnConflict } from '@clipmesh/contracts';
import { type IdempotencyClaim } from '../ports/idempotency.port.js';
import { isNew } from './write.conflicts.js';

type Claim = Omit<IdempotencyClaim, 'fresh'>;

/** Access to the stored claim of one key. */
export interface ClaimRecord {
  /** Throws `AlreadyExistsError` when the key is claimed. */
  create(claim: Claim): Promise<unknown>;
  get(): Promise<Claim | undefined>;
}

/** Claims a key. The first claim wins: later ones resolve with its values. Repeats when a claim expires while it is read. */
export async function firstClaim(key: string, record: ClaimRecord, claim: Claim): Promise<IdempotencyClaim> {
  return retryOnConflict(`the claim ${key}`, async () => {
    if (await isNew(record.create(claim))) return { ...claim, fresh: true };
    const first = await record.get();
    if (first === undefined) throw new ConflictError('the claim expired between create and read');
    return { fingerprint: first.fingerprint, generationId: first.generationId, fresh: false };
  });
}
