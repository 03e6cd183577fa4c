import { type Charge, type GenerationRecord } from '@clipmesh/contracts';
import { type AccountLines } from './account.js';
import { type PurchaseSummary } from './account.bound.js';
import { type AccountLineStore } from './account.repository.js';

/** A value and the revision that a compare-and-set of it needs. */
export interface Revised<T> {
  readonly value: T;
  readonly revision: string;
}

/** The account of an owner for one period. */
export type StoredAccount = AccountLines & { owner: string; period: string };

/** The stores that budgets need. The stores of libs/persistence fit. */
export interface BudgetStores {
  readonly accounts: AccountLineStore<StoredAccount>;
  readonly purchases: { list(generationId: string): Promise<readonly { readonly value: PurchaseSummary }[]> };
  readonly generations: {
    get(id: string): Promise<Revised<GenerationRecord> | undefined>;
    /** Throws an error with `code` `CONFLICT` when the revision is not the current one. */
    save(record: GenerationRecord, revision: string): Promise<unknown>;
    unfinished(): Promise<readonly GenerationRecord[]>;
  };
  readonly ledger: { entries(generationId: string): Promise<readonly Pick<Charge, 'key' | 'amountMicros'>[]> };
}

/** Whether a store rejected a compare-and-set. */
export const isConflict = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'CONFLICT';
