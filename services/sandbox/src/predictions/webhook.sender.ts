import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses before the tries of a webhook, ms. */
const DELAYS_MS = [0, 500, 2000] as const;
const TRY_TIMEOUT_MS = 5000;

/**
 * Posts the body, with one try of 5 s for each delay (default: three within 2.5 s). `sign` returns the headers of a try at this time.
 * Resolves with whether it was delivered. Never rejects.
 */
export async function sendWebhook(
  url: string,
  body: string,
  sign: (sentAt: Date) => Readonly<Record<string, string>>,
  signal: AbortSignal,
  delaysMs: readonly number[] = DELAYS_MS,
): Promise<boolean> {
  for (const delayMs of delaysMs) {
    try {
      await sleep(delayMs, undefined, { signal, ref: false });
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...sign(new Date()) },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TRY_TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      if (response.ok) return true;
    } catch {
      if (signal.aborted) return false;
    }
  }
  return false;
}
