import { chargeMicros, isoTime, type Prediction } from '../replicate/prediction.lifecycle.js';
import { completionMicros, speechMicros, usd } from './pricing.js';

interface Completion {
  readonly id: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}
interface Speech {
  readonly id: string;
  readonly model: string;
  readonly characters: number;
}

/** All charges since the last `clear`. `present` computes the charges of predictions from their current state. */
export class InvoiceStore {
  private completions: Completion[] = [];
  private speech: Speech[] = [];
  private clearedPredictions = new Set<string>();

  addCompletion(entry: Completion): void {
    this.completions.push(entry);
  }

  addSpeech(entry: Speech): void {
    this.speech.push(entry);
  }

  /** Removes all entries, and excludes the given predictions from now on, even running ones. */
  clear(predictions: readonly Prediction[]): void {
    this.completions = [];
    this.speech = [];
    this.clearedPredictions = new Set(predictions.map(({ id }) => id));
  }

  present(predictions: readonly Prediction[]): Record<string, unknown> {
    const clips = predictions.filter(({ id }) => !this.clearedPredictions.has(id));
    const completionCost = ({ inputTokens, outputTokens }: Completion): number =>
      completionMicros(inputTokens, outputTokens);
    const total = [
      ...clips.map(chargeMicros),
      ...this.completions.map(completionCost),
      ...this.speech.map(({ characters }) => speechMicros(characters)),
    ].reduce((sum, micros) => sum + micros, 0);
    return {
      predictions: clips.map((clip) => ({
        id: clip.id,
        model: clip.model.id,
        key: clip.key,
        status: clip.status,
        createdAt: isoTime(clip.createdAt),
        startedAt: isoTime(clip.startedAt),
        completedAt: isoTime(clip.completedAt),
        seconds: clip.seconds,
        amountUsd: usd(chargeMicros(clip)),
      })),
      completions: this.completions.map((entry) => ({ ...entry, amountUsd: usd(completionCost(entry)) })),
      speech: this.speech.map((entry) => ({ ...entry, amountUsd: usd(speechMicros(entry.characters)) })),
      totalUsd: usd(total),
    };
  }
}
