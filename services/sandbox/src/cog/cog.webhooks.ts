import { type Prediction } from '../predictions/prediction.lifecycle.js';
import { sendWebhook } from '../predictions/webhook.sender.js';
import { present } from './cog.view.js';

/** Cog repeats a report 12 times, after 0.1 s and then twice as long each time: about 7 minutes. */
const DELAYS_MS: readonly number[] = [0, ...Array.from({ length: 12 }, (_, n) => 100 * 2 ** n)];

/** Reports an event of a prediction to its webhook, without a signature. Does nothing when the caller did not ask for it. */
export async function reportTo(
  prediction: Prediction,
  event: 'start' | 'completed',
  { filesUrl, signal }: { filesUrl: string; signal: AbortSignal },
): Promise<void> {
  const { webhook, webhookEvents } = prediction;
  if (webhook === undefined || !webhookEvents.includes(event)) return;
  await sendWebhook(webhook, JSON.stringify(present(prediction, filesUrl)), () => ({}), signal, DELAYS_MS);
}
