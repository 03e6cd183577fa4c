import { type Prediction } from '../predictions/prediction.lifecycle.js';
import { sendWebhook } from '../predictions/webhook.sender.js';
import { present } from './cog.view.js';

/** Reports an event of a prediction to its webhook, without a signature. Does nothing when the caller did not ask for it. */
export async function reportTo(
  prediction: Prediction,
  event: 'start' | 'completed',
  { filesUrl, signal }: { filesUrl: string; signal: AbortSignal },
): Promise<void> {
  const { webhook, webhookEvents } = prediction;
  if (webhook === undefined || !webhookEvents.includes(event)) return;
  await sendWebhook(webhook, JSON.stringify(present(prediction, filesUrl)), () => ({}), signal);
}
