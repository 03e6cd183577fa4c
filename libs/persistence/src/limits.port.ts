import { type Versioned } from './ports.js';

/**
 * Small JSON values that all replicas change together: rate limits, cool-downs, circuit breakers. Keys consist of letters,
 * digits and `-_/=.`.
 */
export interface LimitStore {
  get(key: string): Promise<Versioned<unknown> | undefined>;
  /**
   * Compare-and-set; without a revision the key must not exist. Resolves with undefined when another was faster, which is
   * ordinary here.
   */
  save(key: string, value: unknown, revision: string | undefined): Promise<Versioned<unknown> | undefined>;
  /**
   * Tells what the keys below `prefix.` hold and whenever one changes, until the returned function is called. Values may be
   * passed over for newer ones. While the store is away nothing is told; afterwards what was missed.
   */
  watch(prefix: string, onChange: (key: string, value: unknown) => void): () => void;
}
