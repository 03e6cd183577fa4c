/** A redelivery may come this long after its pause, as on a busy machine: until then it keeps its place, ms. */
const LATE_MS = 60_000;

/**
 * The deliveries of each owner that this gateway has seen wait for a later try. One is forgotten when it is settled, or when
 * it has not come back a minute after its pause: another gateway may have it by then.
 */
export class WaitingDeliveries {
  /** By owner and delivery: when it is forgotten, ms since the epoch. */
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
    waiting.set(delivery, this.now() + pauseMs + LATE_MS);
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
