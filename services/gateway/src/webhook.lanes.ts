import { Postponed } from '@clipmesh/messaging';

export interface LaneRules {
  /** Most calls of one endpoint at once. */
  readonly perEndpoint: number;
  /** Most calls of all endpoints of one owner at once. */
  readonly perOwner: number;
  /** Failed calls in a row after which an endpoint is left alone. */
  readonly failures: number;
  /** It is left alone for this long, ms; doubled each time that the call after it fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/** How a call of an endpoint ended. `stopped`: it says nothing about the endpoint. */
export type CallResult =
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; /** What the endpoint asked for, ms. */ readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'stopped' };

interface Endpoint {
  running: number;
  /** Failed calls in a row. */
  failures: number;
  /** Ms since the epoch. */
  openUntilMs: number;
}

/** Failing endpoints that are remembered; the one that has failed for longest without a call is forgotten first. */
const MAX_FAILING_ENDPOINTS = 10_000;

/**
 * Keeps endpoints and owners from holding each other up at one gateway. Each endpoint has a lane of its own; a call that
 * finds its lane full, its owner's share used up, or its endpoint's circuit open is postponed.
 */
export class WebhookLanes {
  private readonly endpoints = new Map<string, Endpoint>();
  /** Calls under way, by owner. */
  private readonly owners = new Map<string, number>();

  constructor(
    private readonly rules: LaneRules,
    private readonly now: () => number = Date.now,
  ) {}

  /** Takes a place for one call; the caller gives it back with the function that it gets. Throws {@link Postponed}. */
  acquire(owner: string, endpoint: string): (end: CallResult) => void {
    const { perEndpoint, perOwner, failures } = this.rules;
    const key = JSON.stringify([owner, endpoint]);
    const lane = this.endpoints.get(key) ?? { running: 0, failures: 0, openUntilMs: 0 };
    const openMs = lane.openUntilMs - this.now();
    if (openMs > 0) throw postponed(`it failed ${lane.failures} times in a row and is left alone`, openMs);
    // An endpoint that was left alone is probed by one call.
    if (lane.running >= (lane.failures >= failures ? 1 : perEndpoint)) throw postponed('its lane is full');
    const used = this.owners.get(owner) ?? 0;
    if (used >= perOwner) throw postponed('the share of its owner is used up');
    lane.running += 1;
    this.endpoints.set(key, lane);
    this.owners.set(owner, used + 1);
    let isOut = false;
    return (end) => {
      if (isOut) return;
      isOut = true;
      this.release(owner, key, lane, end);
    };
  }

  /** Endpoints whose circuit is open. */
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
    // Behind those that have not failed for longer.
    this.endpoints.delete(key);
    this.endpoints.set(key, lane);
    // A call that began before the circuit opened says nothing new.
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
  new Postponed('DELIVERY_FAILED', `the webhook waits: ${why}`, delayMs);
