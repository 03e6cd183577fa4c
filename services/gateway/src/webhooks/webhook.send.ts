import { createHash } from 'node:crypto';
import { ClipmeshError } from '@clipmesh/contracts';
import { untraced } from '@clipmesh/tracing';
import { context } from '@opentelemetry/api';
import { requestPublic, parsePublicUrl, type PublicRules, RequestRefused } from '../http/public.request.js';
import { retryAfterMs, verdictOf } from './webhook.rules.js';
import { signatureOf } from './webhook.signature.js';

export interface Delivery {
  readonly url: string;
  /** Each secret adds a signature. Empty: not signed. */
  readonly secrets: readonly string[];
  /** The same for every try, so that the receiver can deduplicate. */
  readonly id: string;
  readonly body: unknown;
}

/** The public id of a delivery, derived from the message id. */
export const deliveryId = (messageId: string): string =>
  `msg_${createHash('sha256').update(messageId).digest('hex').slice(0, 32)}`;

/**
 * Posts an event to an endpoint. Does not follow redirects and does not read the response body. Throws a retryable
 * `DELIVERY_FAILED`; its message omits the URL, which may contain a credential.
 */
export async function sendWebhook(
  { url, secrets, id, body }: Delivery,
  rules: PublicRules,
  stop: AbortSignal,
): Promise<'taken' | 'gone'> {
  const text = JSON.stringify(body);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...(secrets.length === 0
      ? {}
      : { 'webhook-signature': secrets.map((secret) => signatureOf(secret, id, timestamp, text)).join(' ') }),
  };
  const deadline = AbortSignal.timeout(rules.timeoutMs);
  const signal = AbortSignal.any([stop, deadline]);
  let status: number;
  let after: string | undefined;
  try {
    const response = await context.with(untraced(context.active()), () =>
      requestPublic(parsePublicUrl(url, rules), { method: 'POST', headers, body: text }, rules, signal),
    );
    response.destroy();
    status = response.statusCode ?? 0;
    after = response.headers['retry-after'];
  } catch (cause) {
    if (cause instanceof RequestRefused)
      throw new ClipmeshError('DELIVERY_FAILED', cause.message, { cause, retryable: false });
    const why = deadline.aborted
      ? `the endpoint did not answer within ${rules.timeoutMs / 1000} s`
      : 'the endpoint cannot be reached';
    throw new ClipmeshError('DELIVERY_FAILED', why, { cause });
  }
  const verdict = verdictOf(status);
  if (verdict !== 'later') return verdict;
  const waitMs = retryAfterMs(after, Date.now());
  const options = waitMs === undefined ? {} : { retryAfterMs: waitMs };
  throw new ClipmeshError('DELIVERY_FAILED', `the endpoint answered with status ${status}`, options);
}
