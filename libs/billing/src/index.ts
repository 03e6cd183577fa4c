export * from './account.repository.js';
export * from './account.bound.js';
export * from './account.js';
export * from './estimate.js';
export * from './model.prices.js';
export * from './budget.js';
export { summaryOf } from './ledger.summary.js';
export { type ChargeStores, recordCharges } from './ledger.update.js';
export { type BudgetStores, type StoredAccount } from './budget.stores.js';
