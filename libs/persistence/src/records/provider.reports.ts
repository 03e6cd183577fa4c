import { ClipmeshError, GENERATION_ID } from '@clipmesh/contracts';
import { type IdempotencyStore } from '../ports/idempotency.port.js';

/** What providers reported about purchases by their webhooks. A report expires with `CLAIM_RETENTION_DAYS`. */
export interface ProviderReports {
  /**
   * Stores a report, once for each purchase: the first one stands, and later ones resolve with its value. `value`: the provider's id of
   * the prediction, or the name of a stored file. Throws `SCHEMA_VIOLATION` when the key is not that of a clip's purchase.
   */
  readonly record: (
    provider: string,
    purchaseKey: string,
    value: string,
  ) => Promise<{ readonly value: string; readonly isNew: boolean }>;
  /** The value that was reported for a purchase. Undefined: none. */
  readonly find: (provider: string, purchaseKey: string) => Promise<string | undefined>;
}

/** The line breaks keep the key apart from the clients' idempotency keys. */
const claimKey = (provider: string, purchaseKey: string): string => ['report', provider, purchaseKey].join('\n');

/** The generation in the key of a clip's purchase, `clip.<generation>.<scene>.<number>`. */
function generationOf(purchaseKey: string): string {
  const [kind, generationId = '', scene = '', number = '', ...rest] = purchaseKey.split('.');
  const isKey = kind === 'clip' && rest.length === 0 && [scene, number].every((part) => /^\d{1,6}$/.test(part));
  if (isKey && GENERATION_ID.test(generationId)) return generationId;
  throw new ClipmeshError('SCHEMA_VIOLATION', 'the report is not about a purchase of a clip');
}

/** Keeps reports in the store of claims, which has the same promise: the first claim of a key wins, and it expires. */
export function openProviderReports(claims: Pick<IdempotencyStore, 'claim' | 'peek'>): ProviderReports {
  return {
    record: async (provider, purchaseKey, value) => {
      const generationId = generationOf(purchaseKey);
      const { fingerprint, fresh } = await claims.claim(claimKey(provider, purchaseKey), value, generationId);
      return { value: fingerprint, isNew: fresh };
    },
    find: async (provider, purchaseKey) => (await claims.peek(claimKey(provider, purchaseKey)))?.fingerprint,
  };
}
