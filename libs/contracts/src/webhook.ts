import { z } from 'zod';

/** What a webhook tells: that a plan waits for its approval, and every end. */
export const WEBHOOK_EVENTS = [
  'generation.awaiting_approval',
  'generation.succeeded',
  'generation.failed',
  'generation.canceled',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export const webhookEventSchema = z.enum(WEBHOOK_EVENTS);

/** Where events are delivered: https; plain http only where the deployment allows it. */
export const webhookUrlSchema = z
  .url({ protocol: /^https?$/, error: 'expected a URL that begins with https://' })
  .max(2000);

/** What `POST /v1/webhooks` takes. */
export const createWebhookSchema = z
  .strictObject({
    url: webhookUrlSchema,
    /** Which events are delivered; all unless told. */
    events: z
      .array(webhookEventSchema)
      .min(1)
      .refine((events) => new Set(events).size === events.length, 'an event is named twice')
      .default([...WEBHOOK_EVENTS]),
  })
  .meta({ id: 'CreateWebhook' });

export const WEBHOOK_ID = /^wh_[0-9a-f]{32}$/;
/** The endpoint that a create named in `webhookUrl`, among those that are registered. */
export const OWN_ENDPOINT = 'request';
