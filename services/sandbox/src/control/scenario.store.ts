import { type PlanAnswerKind, type SpeechAnswerKind } from './answer.forms.js';
import { isNth, isShare, takeToken, type Bucket, type Scenario } from './scenario.rules.js';

export type Admission = { kind: 'ok' } | { kind: 'unavailable' } | { kind: 'limited'; retryAfterSeconds: number };

/** The current scenario and its counters. `set` resets the counters and releases held predictions. */
export class ScenarioStore {
  private current: Scenario = {};
  private counts = { calls: 0, predictions: 0, completions: 0, speeches: 0, downloads: 0, outputs: 0 };
  private bucket: Bucket | undefined;
  private replaced = new AbortController();

  get scenario(): Scenario {
    return this.current;
  }

  set(scenario: Scenario): void {
    this.replaced.abort();
    this.replaced = new AbortController();
    this.current = scenario;
    this.counts = { calls: 0, predictions: 0, completions: 0, speeches: 0, downloads: 0, outputs: 0 };
    this.bucket = undefined;
  }

  /** Counts a paid call and decides whether it is admitted. `limited`: the rate limit applies to this call. */
  admit(nowMs: number, limited: boolean): Admission {
    this.counts.calls += 1;
    if (isNth(this.current.unavailableEvery, this.counts.calls)) return { kind: 'unavailable' };
    const limit = this.current.rateLimit;
    if (limit === undefined || !limited) return { kind: 'ok' };
    const { taken, bucket } = takeToken(this.bucket, limit.perMinute, nowMs);
    this.bucket = bucket;
    return taken ? { kind: 'ok' } : { kind: 'limited', retryAfterSeconds: limit.retryAfterSeconds };
  }

  /** Counts an admitted prediction. `index` starts at 0. */
  takePrediction(): { index: number; fails: boolean; losesReply: boolean; heldUntil?: AbortSignal } {
    const count = (this.counts.predictions += 1);
    return {
      ...(this.current.hold?.includes(count - 1) === true ? { heldUntil: this.replaced.signal } : {}),
      index: count - 1,
      fails: isNth(this.current.failEvery, count),
      losesReply: isShare(this.current.loseReplies, count),
    };
  }

  /** Counts a download. Returns whether it must return an HTML page instead of the clip. */
  isBadDownload(): boolean {
    this.counts.downloads += 1;
    return this.counts.downloads <= (this.current.badDownloads ?? 0);
  }

  /** Returns whether the output for this prompt must be refused, and counts it. */
  refusesOutput(prompt: string): boolean {
    const { rejectOutputs } = this.current;
    if (rejectOutputs === undefined || !prompt.includes(rejectOutputs.prompts)) return false;
    this.counts.outputs += 1;
    return this.counts.outputs <= (rejectOutputs.times ?? Infinity);
  }

  /** Counts an admitted speech. */
  takeSpeech(): { losesReply: boolean; answer: SpeechAnswerKind } {
    const count = (this.counts.speeches += 1);
    return {
      losesReply: isShare(this.current.loseReplies, count),
      answer: this.current.speechAnswers?.[count - 1] ?? 'audio',
    };
  }

  /** Counts a completion and returns its kind. `invalid`: not valid JSON. */
  takeCompletion(): PlanAnswerKind | 'invalid' {
    const count = (this.counts.completions += 1);
    if (this.current.badPlanFirst === true && count === 1) return 'invalid';
    return this.current.planAnswers?.[count - 1] ?? 'plan';
  }
}
