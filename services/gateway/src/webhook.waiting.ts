/**
 * The deliveries of each owner that this gateway has seen wait for a later try. One is forgotten when it is settled, or when
 * its pause is over: another gateway may have it by then.
 */
export class WaitingDeliveries {
  /** By owner and delivery: when the pause ends, ms since the epoch. */
  private readonly owners = new Map<string, Map<string, number>>();

  constructor(
    /** Most deliveries of one owner that wait. */
    private readonly perOwner: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Whether the delivery may wait for `pauseMs`. One that waits already may always; a new one while there is room. */
  admit(owner: string, delivery: string, pauseMs: number): boolean {
    const waiting = this.owners.get(owner) ?? new Map<string, number>();
    if (!waiting.has(delivery) && waiting.size >= this.perOwner) {
      for (const [other, untilMs] of waiting) if (untilMs < this.now()) waiting.delete(other);
      if (waiting.size >= this.perOwner) return false;
    }
    waiting.set(delivery, this.now() + pauseMs);
    this.owners.set(owner, waiting);
    return true;
  }

  /** The delivery is settled. */
  settle(owner: string, delivery: string): void {
    const waiting = this.owners.get(owner);
    waiting?.delete(delivery);
    if (waiting?.size === 0) this.owners.delete(owner);
  }
}
