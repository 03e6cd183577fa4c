import {
  type DomainEvent,
  type GenerationRecord,
  message,
  type Outgoing,
  OWN_ENDPOINT,
  WebhookDeliver,
  type WebhookDeliverBody,
} from '@clipmesh/contracts';
import { EventInbox, type HandlerContext, Inbox } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { type createLogger } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';
import { viewOf } from './generation.view.js';
import { type PublicRules } from './public.request.js';
import { removeEndpoint } from './webhook.book.js';
import { endpointsFor, noticeOf } from './webhook.rules.js';
import { deliveryId, sendWebhook } from './webhook.send.js';

export const DELIVERY_PARTS = Symbol('DELIVERY_PARTS');
export interface DeliveryParts {
  readonly stores: Pick<Stores, 'generations' | 'webhooks'>;
  readonly rules: PublicRules;
  /** Signs what goes to the URL of a create; absent: that is not signed. */
  readonly secret: string | undefined;
  readonly logger: ReturnType<typeof createLogger>;
  readonly count: (outcome: 'taken' | 'gone' | 'failed') => void;
}

/** Sees to it that whoever wants to be told of an event is told, each by a message of its own. */
@Controller()
export class NotifierActor {
  constructor(@Inject(DELIVERY_PARTS) private readonly parts: DeliveryParts) {}

  @EventInbox({ inbox: 'notifier', untraced: true })
  async receive(event: DomainEvent): Promise<readonly Outgoing[]> {
    const notice = noticeOf(event);
    if (notice === undefined) return [];
    const { generations, webhooks } = this.parts.stores;
    const record = (await generations.get(notice.generationId))?.value;
    if (record === undefined) return [];
    const book = (await webhooks.get(record.owner))?.value;
    return endpointsFor(notice.type, record.webhookUrl, book).map((endpoint) =>
      message(WebhookDeliver, { ...notice, endpoint }),
    );
  }
}

/** Tells one endpoint of one event; what it does not take is settled like any other work. */
@Controller()
export class WebhookActor {
  constructor(@Inject(DELIVERY_PARTS) private readonly parts: DeliveryParts) {}

  @Inbox({ inbox: 'webhooks', message: WebhookDeliver, outlivesCancel: true, failed: () => [] })
  async receive(notice: WebhookDeliverBody, { signal, messageId }: HandlerContext): Promise<readonly Outgoing[]> {
    const { stores, rules, logger, count } = this.parts;
    const { generationId, endpoint, type, at } = notice;
    const record = (await stores.generations.get(generationId))?.value;
    const target = record === undefined ? undefined : await this.targetOf(endpoint, record);
    // Removed since: the generation, or the wish to be told.
    if (record === undefined || target === undefined) return [];
    const body = { type, timestamp: at, data: viewOf(record) };
    try {
      const verdict = await sendWebhook({ ...target, id: deliveryId(messageId), body }, rules, signal);
      count(verdict);
      logger.info({ generationId, endpoint, type, verdict }, 'the webhook was told');
      if (verdict === 'gone' && endpoint !== OWN_ENDPOINT)
        await removeEndpoint(stores.webhooks, record.owner, endpoint);
      return [];
    } catch (error) {
      count('failed');
      throw error;
    }
  }

  private async targetOf(
    endpoint: WebhookDeliverBody['endpoint'],
    { owner, webhookUrl }: GenerationRecord,
  ): Promise<{ url: string; secret: string | undefined } | undefined> {
    if (endpoint === OWN_ENDPOINT)
      return webhookUrl === undefined ? undefined : { url: webhookUrl, secret: this.parts.secret };
    const book = (await this.parts.stores.webhooks.get(owner))?.value;
    return book?.endpoints.find(({ id }) => id === endpoint);
  }
}
