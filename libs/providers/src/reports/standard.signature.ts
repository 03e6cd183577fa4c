import { Webhook } from 'standardwebhooks';

export interface SignedWebhook {
  readonly id: string | undefined;
  /** Seconds since the epoch, as sent. */
  readonly timestamp: string | undefined;
  /** Space-separated `version,base64` entries. Only version `v1` is checked. */
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

/**
 * Whether a webhook is signed with a secret (`whsec_` and base64) as in https://www.standardwebhooks.com, within five minutes of the
 * local clock.
 */
export function isStandardSigned({ id, timestamp, signature, body }: SignedWebhook, secret: string): boolean {
  if (!id || !timestamp || !signature) return false;
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  try {
    new Webhook(secret).verify(Buffer.from(body), headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}
