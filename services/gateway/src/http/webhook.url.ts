import { badRequest, type ProblemError } from './problems/problem.js';
import { parsePublicUrl, type PublicRules, RequestRefused, undeliverableReason } from './public.request.js';

/**
 * Throws a 400 that names `field` for a URL that cannot get deliveries: it is not https, contains credentials, or its host is a
 * private address or name. Does not resolve public names: every delivery checks the address that it connects to.
 */
export function checkWebhookUrl(url: string, field: string, rules: Pick<PublicRules, 'allowPrivate'>): void {
  const refuse = (why: string): ProblemError => badRequest(field, why);
  try {
    const why = undeliverableReason(parsePublicUrl(url, rules));
    if (why !== undefined && !rules.allowPrivate) throw refuse(why);
  } catch (error) {
    if (error instanceof RequestRefused) throw refuse(error.message);
    throw error;
  }
}
