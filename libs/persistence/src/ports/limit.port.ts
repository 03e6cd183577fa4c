import { type Versioned } from './versioned.port.js';

/**
 * Small JSON values shared by all replicas: rate limits, cool-downs, circuit breakers. Keys consist of letters, digits and
 * `-_/=.`.
 */
export interface LimitStore {
  get(key: string): Promise<Versioned<unknown> | undefined>;
  /**
   * Compare-and-set. Without a revision the key must not exist. Resolves with undefined on a conflict, which is expected here.
   */
  save(key: string, value: unknown, revision: string | undefined): Promise<Versioned<unknown> | undefined>;
  /**
   * Reports the values of all keys below `prefix.` and their changes until the returned function is called. May skip values
   * that have been replaced. After an outage of the store, it reports the latest values.
   */
  watch(prefix: string, onChange: (key: string, value: unknown) => void): () => void;
}
