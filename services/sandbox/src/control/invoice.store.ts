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
  readonly tokens: { readonly input: number; readonly output: number };
}

/** The charge of a prediction in its current state. Times are ISO 8601. */
export interface ClipCharge {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly key: string | null;
  readonly status: string;
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly seconds: number;
  readonly amountMicros: number;
}

/** All charges since the last `clear`. The caller passes the charges of predictions, which change with their state. */
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
  clear(predictions: readonly ClipCharge[]): void {
    this.completions = [];
    this.speech = [];
    this.clearedPredictions = new Set(predictions.map(({ id }) => id));
  }

  present(predictions: readonly ClipCharge[]): Record<string, unknown> {
    const clips = predictions.filter(({ id }) => !this.clearedPredictions.has(id));
    const completionCost = ({ inputTokens, outputTokens }: Completion): number =>
      completionMicros(inputTokens, outputTokens);
    const speechCost = ({ model, characters, tokens }: Speech): number => speechMicros(model, characters, tokens);
    const total = [
      ...clips.map(({ amountMicros }) => amountMicros),
      ...this.completions.map(completionCost),
      ...this.speech.map(speechCost),
    ].reduce((sum, micros) => sum + micros, 0);
    return {
      predictions: clips.map(({ amountMicros, ...clip }) => ({ ...clip, amountUsd: usd(amountMicros) })),
      completions: this.completions.map((entry) => ({ ...entry, amountUsd: usd(completionCost(entry)) })),
      speech: this.speech.map((entry) => ({ ...entry, amountUsd: usd(speechCost(entry)) })),
      totalUsd: usd(total),
    };
  }
}
