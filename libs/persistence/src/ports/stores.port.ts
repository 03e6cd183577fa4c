import { type AccountStore } from './account.port.js';
import { type CacheStore } from './cache.port.js';
import { type GenerationStore } from './generation.port.js';
import { type IdempotencyStore } from './idempotency.port.js';
import { type LedgerStore } from './ledger.port.js';
import { type PurchaseStore } from './purchase.port.js';
import { type WebhookStore } from './webhook.port.js';

export interface Stores {
  generations: GenerationStore;
  ledger: LedgerStore;
  purchases: PurchaseStore;
  idempotency: IdempotencyStore;
  accounts: AccountStore;
  cache: CacheStore;
  webhooks: WebhookStore;
}

/** Stores with open resources. */
export interface OpenStores extends Stores {
  /** Closes the resources that the stores opened themselves. */
  close(): Promise<void>;
}
