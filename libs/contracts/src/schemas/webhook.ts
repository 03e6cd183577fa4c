import { z } from 'zod';

/** Events that webhooks receive: a plan or draft waits for approval, and every final status. */
export const WEBHOOK_EVENTS = [
  'generation.awaiting_approval',
  'generation.succeeded',
  'generation.failed',
  'generation.canceled',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export const webhookEventSchema = z.enum(WEBHOOK_EVENTS);

/** URL that receives events: https, or plain http if the deployment allows it. */
export const webhookUrlSchema = z
  .url({ protocol: /^https?$/, error: 'expected a URL that begins with https://' })
  .max(2000);

/** Body of `POST /v1/webhooks`. */
export const createWebhookSchema = z
  .strictObject({
    url: webhookUrlSchema,
    /** Events to deliver. Default: all. */
    events: z
      .array(webhookEventSchema)
      .min(1)
      .refine((events) => new Set(events).size === events.length, 'an event is named twice')
      .default([...WEBHOOK_EVENTS]),
  })
  .meta({ id: 'CreateWebhook' });
export type CreateWebhook = z.infer<typeof createWebhookSchema>;

export const WEBHOOK_ID = /^wh_[0-9a-f]{32}$/;
/** Endpoint name of the `webhookUrl` of a create, among the ids of registered webhooks. */
export const OWN_ENDPOINT = 'request';
