import { Postponed } from '@clipmesh/messaging';

export interface LaneRules {
  /** Maximum concurrent calls of one endpoint. */
  readonly perEndpoint: number;
  /** Maximum concurrent calls over all endpoints of one owner. */
  readonly perOwner: number;
  /** Consecutive failures that open the circuit of an endpoint. */
  readonly failures: number;
  /** How long a circuit stays open, ms. Doubles each time the next probe fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/** How a call of an endpoint ended. `stopped`: no statement about the endpoint. */
export type CallResult =
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; /** `Retry-After` of the endpoint, ms. */ readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'stopped' };

interface Endpoint {
  running: number;
  /** Consecutive failures. */
  failures: number;
  /** Ms since the epoch. */
  openUntilMs: number;
}

/** Maximum number of failing endpoints to track. The one with the oldest failure is dropped first. */
const MAX_FAILING_ENDPOINTS = 10_000;

/**
 * Isolates endpoints and owners from each other at one gateway. Each endpoint has its own lane: a concurrency limit and a
 * circuit breaker. A call is postponed when its lane is full, its owner is at the limit, or the circuit is open.
 */
export class WebhookLanes {
  private readonly endpoints = new Map<string, Endpoint>();
  /** Calls in flight, by owner. */
  private readonly owners = new Map<string, number>();

  constructor(
    private readonly rules: LaneRules,
    private readonly now: () => number = Date.now,
  ) {}

  /** Acquires a slot for one call and returns its release function. Throws {@link Postponed}. */
  acquire(owner: string, endpoint: string): (end: CallResult) => void {
    const { perEndpoint, perOwner, failures } = this.rules;
    const key = JSON.stringify([owner, endpoint]);
    const lane = this.endpoints.get(key) ?? { running: 0, failures: 0, openUntilMs: 0 };
    const openMs = lane.openUntilMs - this.now();
    if (openMs > 0) throw postponed(`its circuit is open after ${lane.failures} consecutive failures`, openMs);
    // After an open circuit, a single call probes the endpoint.
    if (lane.running >= (lane.failures >= failures ? 1 : perEndpoint)) throw postponed('its lane is full');
    const used = this.owners.get(owner) ?? 0;
    if (used >= perOwner) throw postponed('its owner is at the concurrency limit');
    lane.running += 1;
    this.endpoints.set(key, lane);
    this.owners.set(owner, used + 1);
    let isReleased = false;
    return (end) => {
      if (isReleased) return;
      isReleased = true;
      this.release(owner, key, lane, end);
    };
  }

  /** Number of endpoints with an open circuit. */
  get open(): number {
    const now = this.now();
    return [...this.endpoints.values()].filter(({ openUntilMs }) => openUntilMs > now).length;
  }

  private release(owner: string, key: string, lane: Endpoint, end: CallResult): void {
    lane.running -= 1;
    const used = (this.owners.get(owner) ?? 1) - 1;
    if (used > 0) this.owners.set(owner, used);
    else this.owners.delete(owner);
    if (end.kind === 'answered') Object.assign(lane, { failures: 0, openUntilMs: 0 });
    if (end.kind === 'failed') this.failed(key, lane, end.retryAfterMs ?? 0);
    if (lane.running === 0 && lane.failures === 0) this.endpoints.delete(key);
  }

  private failed(key: string, lane: Endpoint, retryAfterMs: number): void {
    const { failures, openMs, maxOpenMs } = this.rules;
    const now = this.now();
    // Move to the end of the map: its order is the order of the last failures.
    this.endpoints.delete(key);
    this.endpoints.set(key, lane);
    // A call that started before the circuit opened does not count again.
    if (lane.openUntilMs > now) return;
    lane.failures += 1;
    const circuitMs = lane.failures < failures ? 0 : Math.min(openMs * 2 ** (lane.failures - failures), maxOpenMs);
    lane.openUntilMs = now + Math.min(Math.max(circuitMs, retryAfterMs), maxOpenMs);
    if (this.endpoints.size <= MAX_FAILING_ENDPOINTS) return;
    for (const [other, { running }] of this.endpoints)
      if (running === 0) {
        this.endpoints.delete(other);
        return;
      }
  }
}

const postponed = (why: string, delayMs = 0): Postponed =>
  new Postponed('DELIVERY_FAILED', `webhook postponed: ${why}`, delayMs);
