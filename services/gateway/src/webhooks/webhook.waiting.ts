/** How long an entry outlives its delay, ms: a busy machine may redeliver late. */
const LATE_MS = 60_000;

/**
 * Tracks the deliveries of each owner that wait for a later try at this gateway. An entry is removed when the delivery is
 * settled, or a minute after its delay: another gateway may have received it by then.
 */
export class WaitingDeliveries {
  /** By owner and delivery: when the entry expires, ms since the epoch. */
  private readonly owners = new Map<string, Map<string, number>>();

  constructor(
    /** Maximum number of waiting deliveries per owner. */
    private readonly perOwner: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Whether the delivery may wait for `pauseMs`. A known delivery always may; a new one only below the limit. */
  admit(owner: string, delivery: string, pauseMs: number): boolean {
    const waiting = this.owners.get(owner) ?? new Map<string, number>();
    if (!waiting.has(delivery) && waiting.size >= this.perOwner) {
      for (const [other, untilMs] of waiting) if (untilMs < this.now()) waiting.delete(other);
      if (waiting.size >= this.perOwner) return false;
    }
    waiting.set(delivery, this.now() + pauseMs + LATE_MS);
    this.owners.set(owner, waiting);
    return true;
  }

  /** Removes a settled delivery. */
  settle(owner: string, delivery: string): void {
    const waiting = this.owners.get(owner);
    waiting?.delete(delivery);
    if (waiting?.size === 0) this.owners.delete(owner);
  }
}
