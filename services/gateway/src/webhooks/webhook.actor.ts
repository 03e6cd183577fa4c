import { type ModelTable } from '@clipmesh/billing';
import {
  ClipmeshError,
  type DomainEvent,
  type GenerationRecord,
  message,
  type Outgoing,
  OWN_ENDPOINT,
  WebhookDeliver,
  type WebhookDeliverBody,
  type WebhookEvent,
} from '@clipmesh/contracts';
import { backoffMs, EventInbox, type HandlerContext, Inbox, Postponed, type RetryPolicy } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { type Log } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';
import { viewOf } from '../generations/generation.view.js';
import { type WebhookOutcome } from '../operations/metrics.js';
import { type PublicRules } from '../http/public.request.js';
import { removeEndpoint } from './webhook.store.js';
import { type CallResult, type WebhookLanes } from './webhook.lanes.js';
import { endpointsFor, noticeOf } from './webhook.rules.js';
import { ownerSecrets, type SigningRules } from './webhook.signature.js';
import { deliveryId, sendWebhook } from './webhook.send.js';
import { type WaitingDeliveries } from './webhook.waiting.js';

export const DELIVERY_DEPS = Symbol('DELIVERY_DEPS');
export interface DeliveryDeps {
  readonly stores: Pick<Stores, 'generations' | 'webhooks'>;
  readonly models: ModelTable;
  readonly rules: PublicRules;
  readonly signing: SigningRules;
  readonly lanes: WebhookLanes;
  readonly waiting: WaitingDeliveries;
  /** Backoff between the tries of a delivery. */
  readonly retry: Pick<RetryPolicy, 'firstDelayMs' | 'maxDelayMs'>;
  /** Maximum additional delay of a postponed delivery, beyond the delay of its circuit, ms. */
  readonly waitMaxMs: number;
  readonly logger: Log;
  readonly count: (outcome: WebhookOutcome) => void;
  /** Counts the end of a run. The replicas share the inbox, so one of them counts each end. */
  readonly countEnd: (status: EndStatus) => void;
}

export type EndStatus = 'succeeded' | 'failed' | 'canceled';
const ENDS: Readonly<Partial<Record<WebhookEvent, EndStatus>>> = {
  'generation.succeeded': 'succeeded',
  'generation.failed': 'failed',
  'generation.canceled': 'canceled',
};

interface Target {
  readonly url: string;
  readonly secrets: readonly string[];
  /** The id of a registered webhook, or the origin of a `webhookUrl`, because such a URL may differ per generation. */
  readonly lane: string;
}

/** Emits one delivery message for each webhook that subscribes to an event. */
@Controller()
export class NotifierActor {
  constructor(@Inject(DELIVERY_DEPS) private readonly deps: DeliveryDeps) {}

  @EventInbox({ inbox: 'notifier', untraced: true })
  async receive(event: DomainEvent): Promise<readonly Outgoing[]> {
    const notice = noticeOf(event);
    if (notice === undefined) return [];
    const end = ENDS[notice.type];
    if (end !== undefined) this.deps.countEnd(end);
    const { generations, webhooks } = this.deps.stores;
    const record = (await generations.get(notice.generationId))?.value;
    if (record === undefined) return [];
    const registered = (await webhooks.get(record.owner))?.value;
    return endpointsFor(notice.type, record.webhookUrl, registered).map((endpoint) =>
      message(WebhookDeliver, { ...notice, endpoint }),
    );
  }
}

/**
 * Delivers one event to one endpoint, in the lane of the endpoint. A failed delivery is settled like any other message. A
 * delivery without a free slot in its lane is postponed and does not block others. A delivery becomes a dead letter when too
 * many of its owner's deliveries already wait.
 */
@Controller()
export class WebhookActor {
  constructor(@Inject(DELIVERY_DEPS) private readonly deps: DeliveryDeps) {}

  @Inbox({ inbox: 'webhooks', message: WebhookDeliver, runsWhenCanceled: true, failed: () => [] })
  async receive(notice: WebhookDeliverBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    const { messageId } = context;
    const record = (await this.deps.stores.generations.get(notice.generationId))?.value;
    // The generation has been removed.
    if (record === undefined) return [];
    const { owner } = record;
    try {
      await this.deliver(notice, record, context);
    } catch (error) {
      const pauseMs = this.pauseOf(error, context.tries);
      if (pauseMs === undefined) this.deps.waiting.settle(owner, messageId);
      else if (!context.signal.aborted && !this.deps.waiting.admit(owner, messageId, pauseMs))
        throw new ClipmeshError('DELIVERY_FAILED', 'too many deliveries of this owner are waiting', {
          cause: error,
          retryable: false,
        });
      throw error;
    }
    this.deps.waiting.settle(owner, messageId);
    return [];
  }

  /** Maximum delay until the next try, ms. Undefined when there is none. */
  private pauseOf(error: unknown, attempt: number): number | undefined {
    const { retry, waitMaxMs } = this.deps;
    if (error instanceof Postponed) return error.delayMs + waitMaxMs;
    if (!(error instanceof ClipmeshError)) return backoffMs(retry, attempt, 1);
    return error.retryable ? Math.max(error.retryAfterMs ?? 0, backoffMs(retry, attempt, 1)) : undefined;
  }

  private async deliver(
    notice: WebhookDeliverBody,
    record: GenerationRecord,
    { signal, messageId }: HandlerContext,
  ): Promise<void> {
    const { stores, rules, logger, count } = this.deps;
    const { generationId, endpoint, type, at } = notice;
    const target = await this.targetOf(endpoint, record);
    // The endpoint has been removed.
    if (target === undefined) return;
    const body = { type, timestamp: at, data: viewOf(record, this.deps.models) };
    const release = this.acquire(record.owner, target);
    let end: CallResult = { kind: 'stopped' };
    try {
      const verdict = await sendWebhook({ ...target, id: deliveryId(messageId), body }, rules, signal);
      end = { kind: 'answered' };
      count(verdict);
      logger.info({ generationId, endpoint, type, verdict }, 'webhook delivered');
      if (verdict === 'gone' && endpoint !== OWN_ENDPOINT)
        await removeEndpoint(stores.webhooks, record.owner, endpoint);
    } catch (error) {
      count('failed');
      if (end.kind === 'stopped' && !signal.aborted && error instanceof ClipmeshError && error.retryable)
        end = { kind: 'failed', retryAfterMs: error.retryAfterMs };
      throw error;
    } finally {
      release(end);
    }
  }

  private acquire(owner: string, { lane }: Target): (end: CallResult) => void {
    try {
      return this.deps.lanes.acquire(owner, lane);
    } catch (error) {
      this.deps.count('postponed');
      throw error;
    }
  }

  private async targetOf(
    endpoint: WebhookDeliverBody['endpoint'],
    { owner, webhookUrl }: GenerationRecord,
  ): Promise<Target | undefined> {
    if (endpoint === OWN_ENDPOINT && webhookUrl === undefined) return undefined;
    const registered = (await this.deps.stores.webhooks.get(owner))?.value;
    if (endpoint === OWN_ENDPOINT && webhookUrl !== undefined) {
      const { secret, overlapMs } = this.deps.signing;
      const times = { overlapMs, nowMs: Date.now() };
      const secrets = secret === undefined ? [] : ownerSecrets(secret, owner, registered?.rotation, times);
      return { url: webhookUrl, secrets, lane: new URL(webhookUrl).origin };
    }
    const found = registered?.endpoints.find(({ id }) => id === endpoint);
    return found && { url: found.url, secrets: [found.secret], lane: endpoint };
  }
}
