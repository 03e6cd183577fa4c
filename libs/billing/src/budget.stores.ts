import { type Charge, type GenerationRecord, type Versioned } from '@clipmesh/contracts';
import { type AccountLines } from './account.js';
import { type PurchaseSummary } from './account.bound.js';
import { type AccountLineStore } from './account.repository.js';

/** The account of an owner for one period. */
export type StoredAccount = AccountLines & { owner: string; period: string };

/** The stores that budgets need. The stores of libs/persistence fit. */
export interface BudgetStores {
  readonly accounts: AccountLineStore<StoredAccount>;
  readonly purchases: { list(generationId: string): Promise<readonly { readonly value: PurchaseSummary }[]> };
  readonly generations: {
    get(id: string): Promise<Versioned<GenerationRecord> | undefined>;
    /** Compare-and-set. Throws `ConflictError`. */
    save(record: GenerationRecord, revision: string): Promise<unknown>;
    unfinished(): Promise<readonly GenerationRecord[]>;
  };
  readonly ledger: { entries(generationId: string): Promise<readonly Pick<Charge, 'key' | 'amountMicros'>[]> };
}
