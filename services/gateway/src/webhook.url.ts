import { badRequest, type ProblemError } from './problem.js';
import { publicUrl, type PublicRules, RequestRefused } from './public.request.js';

/** Throws a 400 that names `field` for a URL that would never be told. */
export function checkWebhookUrl(url: string, field: string, rules: Pick<PublicRules, 'allowPrivate'>): void {
  const refuse = (why: string): ProblemError => badRequest(`${field}: ${why}`, [{ field, message: why }]);
  try {
    publicUrl(url, rules);
  } catch (error) {
    if (error instanceof RequestRefused) throw refuse(error.message);
    throw error;
  }
}
