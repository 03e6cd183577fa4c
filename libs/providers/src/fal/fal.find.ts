import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipProvider, type PurchaseFinding } from '../ports.js';

/** How fal's webhooks reach Clipmesh. */
export interface FalReports {
  /** The webhook address of a purchase. */
  readonly addressOf: (purchaseKey: string) => string;
  /** The id of the request that fal reported for a purchase; undefined: none yet. */
  readonly requestOf: (purchaseKey: string) => Promise<string | undefined>;
  /** A report is awaited until this long after the start of the purchase, ms. */
  readonly timeoutMs: number;
}

/** Pause between two looks for a report, ms. */
const RECHECK_MS = 2000;

/**
 * Creates the `find` of fal, which lists no requests. A purchase is found by fal's report of it. The report only names the request: its
 * state is read from fal.
 */
export function createFalFinder(reports: FalReports | undefined, get: ClipProvider['get']): ClipProvider['find'] {
  return async ({ request: { attemptKey, model }, since }, signal): Promise<PurchaseFinding> => {
    if (reports === undefined) return { kind: 'unknowable' };
    const id = await reports.requestOf(attemptKey);
    if (id !== undefined) {
      try {
        return { kind: 'found', state: await get({ id, model }, signal) };
      } catch (error) {
        // fal has forgotten the request, or has it under another account.
        if (error instanceof ClipmeshError && error.code === 'PROVIDER_BAD_INPUT') return { kind: 'unknowable' };
        throw error;
      }
    }
    const leftMs = since.getTime() + reports.timeoutMs - Date.now();
    return leftMs > 0 ? { kind: 'pending', retryAfterMs: Math.min(leftMs, RECHECK_MS) } : { kind: 'unknowable' };
  };
}
