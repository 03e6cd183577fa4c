import { withTimeout } from '@clipmesh/contracts';
import { type BrokerState } from '@clipmesh/messaging';
import { type NextFunction, type Request, type Response } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Timeout for the broker's state during a scrape, ms. Scrapers give up after 10 s. */
const BROKER_WAIT_MS = 2000;
/** From a status request to a video download, s. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10, 60];

/** `postponed`: the endpoint was not called, because its lane was full or its circuit open. */
export const WEBHOOK_OUTCOMES = ['taken', 'gone', 'failed', 'postponed'] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

export interface MetricsSources {
  readonly broker: () => Promise<BrokerState>;
  /** Whether this gateway exports the broker's metrics. One gateway does. */
  readonly leads: () => Promise<boolean>;
  readonly openStreams: () => number;
}

/**
 * The metrics of this gateway in the Prometheus text format. The leader also exports the broker's metrics, so every metric can
 * be summed over all gateways.
 */
export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  private readonly registry = new Registry();
  private readonly requests: Histogram;
  private readonly ended: Counter;
  private readonly webhookCalls: Counter;
  private readonly waiting: Gauge;
  private readonly inHand: Gauge;
  private readonly deadLetters: Gauge;
  private readonly streamBytes: Gauge;
  private readonly streamLimit: Gauge;
  private readonly brokerUp: Gauge;
  private readonly leader: Gauge;

  constructor(private readonly sources: MetricsSources) {
    const registers = [this.registry];
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
      new Gauge({ name, help, labelNames, registers });
    collectDefaultMetrics({ register: this.registry });
    this.requests = new Histogram({
      name: 'clipmesh_http_request_duration_seconds',
      help: 'Time from a request to the end of its response.',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS,
      registers,
    });
    this.ended = new Counter({
      name: 'clipmesh_generations_ended_total',
      help: 'Ended runs of generations; each is counted by one gateway.',
      labelNames: ['status'],
      registers,
    });
    for (const status of ['succeeded', 'failed', 'canceled']) this.ended.inc({ status }, 0);
    this.webhookCalls = new Counter({
      name: 'clipmesh_webhook_calls_total',
      help: 'Webhook deliveries of this gateway: taken (2xx), gone (410), failed, or postponed without a call.',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of WEBHOOK_OUTCOMES) this.webhookCalls.inc({ outcome }, 0);
    this.waiting = gauge('clipmesh_inbox_waiting_messages', 'Messages that are not delivered to a replica yet.', [
      'inbox',
    ]);
    this.inHand = gauge('clipmesh_inbox_in_hand_messages', 'Messages that are delivered and not yet acknowledged.', [
      'inbox',
    ]);
    this.deadLetters = gauge('clipmesh_dead_letters', 'Stored dead letters.');
    this.streamBytes = gauge('clipmesh_stream_bytes', 'Bytes stored in a stream of the broker.', ['stream']);
    this.streamLimit = gauge('clipmesh_stream_limit_bytes', 'Maximum bytes of a stream of the broker.', ['stream']);
    this.brokerUp = gauge('clipmesh_broker_up', 'Whether the broker answered this gateway at this scrape.');
    this.leader = gauge('clipmesh_metrics_leader', 'Whether this gateway exports the metrics of the broker.');
    new Gauge({
      name: 'clipmesh_event_streams_open',
      help: 'Open event streams of this gateway.',
      registers,
      collect() {
        this.set(sources.openStreams());
      },
    });
  }

  /** Measures every request. A request without a route counts as the route `none`. */
  readonly measure = (request: Request, response: Response, next: NextFunction): void => {
    const stop = this.requests.startTimer({ method: request.method });
    response.once('close', () => {
      stop({ route: routeOf(request), status: response.statusCode });
    });
    next();
  };

  /** Counts the end of a run. */
  countEnd(status: string): void {
    this.ended.inc({ status });
  }

  /** Counts a webhook delivery. */
  countCall(outcome: WebhookOutcome): void {
    this.webhookCalls.inc({ outcome });
  }

  /** All metrics with their current values. Without the broker's metrics while the broker does not answer. */
  async text(): Promise<string> {
    const { broker, leads } = this.sources;
    const read = async (): Promise<{ state: BrokerState; isLeader: boolean }> => {
      const [state, isLeader] = await Promise.all([broker(), leads()]);
      return { state, isLeader };
    };
    const found = await withTimeout(BROKER_WAIT_MS, read).catch(() => undefined);
    const state = found?.isLeader === true ? found.state : undefined;
    // No await from here on: another scrape may run concurrently.
    for (const gauge of [this.waiting, this.inHand, this.streamBytes, this.streamLimit]) gauge.reset();
    for (const [inbox, { waiting, pendingAck }] of state?.inboxes ?? []) {
      this.waiting.set({ inbox }, waiting);
      this.inHand.set({ inbox }, pendingAck);
    }
    for (const { stream, bytes, limitBytes } of state?.streams ?? []) {
      this.streamBytes.set({ stream }, bytes);
      this.streamLimit.set({ stream }, limitBytes);
    }
    if (state === undefined) this.deadLetters.remove();
    else this.deadLetters.set(state.deadLetters);
    this.leader.set(state === undefined ? 0 : 1);
    this.brokerUp.set(found === undefined ? 0 : 1);
    return this.registry.metrics();
  }
}

function routeOf(request: Pick<Request, 'route'>): string {
  const route: unknown = request.route;
  const path: unknown = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined;
  return typeof path === 'string' ? path : 'none';
}
