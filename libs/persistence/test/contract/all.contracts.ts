import { type Stores } from '../../src/index.js';
import { accountStoreContract } from './accounts.contract.js';
import { cacheStoreContract } from './cache.contract.js';
import { providerReportsContract } from './reports.contract.js';
import { removalContract } from './removal.contract.js';
import { generationStoreContract, purchaseStoresContract } from './stores.contract.js';
import { usageContract } from './usage.contract.js';
import { webhookStoreContract } from './webhooks.contract.js';

/** The contract of every implementation of the stores. `open` returns stores with empty storage on each call. */
export function storesContract(name: string, open: () => Promise<Stores>): void {
  generationStoreContract(name, open);
  purchaseStoresContract(name, open);
  accountStoreContract(name, open);
  cacheStoreContract(name, open);
  usageContract(name, open);
  removalContract(name, open);
  webhookStoreContract(name, open);
  providerReportsContract(name, open);
}
