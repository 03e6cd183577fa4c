import { type LimitStore } from '@clipmesh/persistence';
import { z } from 'zod';

const KEY = 'metrics.leader';
const leaseSchema = z.object({
  id: z.string(),
  /** Ms since the epoch; 0: given back. */
  untilMs: z.number(),
});

export interface LeaderDeps {
  readonly store: Pick<LimitStore, 'get' | 'save'>;
  /** Of this process, unique. */
  readonly id: string;
  /** A leader that does not ask for this long is replaced, ms. */
  readonly leaseMs: number;
  /** Default: the time of this machine, ms since the epoch. */
  readonly now?: () => number;
}

/** Chooses the one gateway that exports what all of them see, so that a sum over gateways counts it once. */
export class MetricsLeader {
  constructor(private readonly deps: LeaderDeps) {}

  /** Whether this gateway leads now; it does for a lease from each call on. Throws `STORE_UNAVAILABLE`. */
  async leads(): Promise<boolean> {
    const { store, id, leaseMs, now = Date.now } = this.deps;
    const found = await store.get(KEY);
    const lease = leaseSchema.safeParse(found?.value);
    if (lease.success && lease.data.id !== id && lease.data.untilMs > now()) return false;
    return (await store.save(KEY, { id, untilMs: now() + leaseMs }, found?.revision)) !== undefined;
  }

  /** Lets another gateway lead at once. */
  async resign(): Promise<void> {
    const found = await this.deps.store.get(KEY);
    const lease = leaseSchema.safeParse(found?.value);
    if (found !== undefined && lease.success && lease.data.id === this.deps.id)
      await this.deps.store.save(KEY, { ...lease.data, untilMs: 0 }, found.revision);
  }
}
