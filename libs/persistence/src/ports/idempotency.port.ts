export interface IdempotencyClaim {
  fingerprint: string;
  generationId: string;
  /** True: this call created the claim. */
  fresh: boolean;
}

export interface IdempotencyStore {
  /** Atomic: the first claim of a key wins. Later ones return its values. */
  claim(key: string, fingerprint: string, generationId: string): Promise<IdempotencyClaim>;
  /** The claim of a key, without creating one. */
  peek(key: string): Promise<Omit<IdempotencyClaim, 'fresh'> | undefined>;
  /** Removes the claim of a key if it names this generation. Idempotent. */
  release(key: string, generationId: string): Promise<void>;
}
