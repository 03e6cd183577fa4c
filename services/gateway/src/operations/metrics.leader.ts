import { type LimitStore } from '@clipmesh/persistence';
import { z } from 'zod';

const KEY = 'metrics.leader';
const leaseSchema = z.object({
  id: z.string(),
  /** Expiry, ms since the epoch. 0: released. */
  untilMs: z.number(),
});

export interface LeaderDeps {
  readonly store: Pick<LimitStore, 'get' | 'save'>;
  /** Unique id of this process. */
  readonly id: string;
  /** The lease of the leader expires after this long without a renewal, ms. */
  readonly leaseMs: number;
  /** Clock, ms since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Elects the one gateway that exports shared metrics, so that a sum over gateways counts them once. */
export class MetricsLeader {
  constructor(private readonly deps: LeaderDeps) {}

  /** Whether this gateway is the leader. Each call acquires or renews the lease. Throws `STORE_UNAVAILABLE`. */
  async leads(): Promise<boolean> {
    const { store, id, leaseMs, now = Date.now } = this.deps;
    const found = await store.get(KEY);
    const lease = leaseSchema.safeParse(found?.value);
    if (lease.success && lease.data.id !== id && lease.data.untilMs > now()) return false;
    return (await store.save(KEY, { id, untilMs: now() + leaseMs }, found?.revision)) !== undefined;
  }

  /** Releases the lease, so that another gateway can lead immediately. */
  async resign(): Promise<void> {
    const found = await this.deps.store.get(KEY);
    const lease = leaseSchema.safeParse(found?.value);
    if (found !== undefined && lease.success && lease.data.id === this.deps.id)
      await this.deps.store.save(KEY, { ...lease.data, untilMs: 0 }, found.revision);
  }
}
