import { WEBHOOK_ID, webhookEventSchema } from '@clipmesh/contracts';
import { z } from 'zod';
import { type Versioned } from './versioned.port.js';

export const webhookRegistrationsSchema = z.object({
  owner: z.string().min(1).max(64),
  endpoints: z.array(
    z.object({
      id: z.string().regex(WEBHOOK_ID),
      /** Only the owner may see it, because it may contain a secret. */
      url: z.string(),
      events: z.array(webhookEventSchema),
      /** Signing secret: `whsec_` and base64. */
      secret: z.string(),
      createdAt: z.iso.datetime(),
    }),
  ),
  /** Latest rotation of the secret for the `webhookUrl` of creates. Default: version 1, never rotated. */
  rotation: z.object({ version: z.int().min(2), rotatedAt: z.iso.datetime() }).optional(),
});
/** The registered webhooks of an owner. One document, so that the limit of endpoints is exact. */
export type WebhookRegistrations = z.infer<typeof webhookRegistrationsSchema>;
export type WebhookEndpoint = WebhookRegistrations['endpoints'][number];

export interface WebhookStore {
  get(owner: string): Promise<Versioned<WebhookRegistrations> | undefined>;
  /** Throws {@link AlreadyExistsError}. */
  create(registrations: WebhookRegistrations): Promise<Versioned<WebhookRegistrations>>;
  /** Compare-and-set. Throws {@link ConflictError}. */
  save(registrations: WebhookRegistrations, revision: string): Promise<Versioned<WebhookRegistrations>>;
}
