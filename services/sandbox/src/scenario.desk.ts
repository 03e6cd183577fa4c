import { type PlanAnswerKind } from './plan.answers.js';
import { isNth, isShare, takeToken, type Bucket, type Scenario } from './scenario.rules.js';

export type Admission = { kind: 'ok' } | { kind: 'unavailable' } | { kind: 'limited'; retryAfterSeconds: number };

/** The scenario in force and what it counts; setting a scenario resets every count and ends what is held. */
export class ScenarioDesk {
  private current: Scenario = {};
  private counts = { calls: 0, predictions: 0, completions: 0, downloads: 0, outputs: 0 };
  private bucket: Bucket | undefined;
  private replaced = new AbortController();

  get scenario(): Scenario {
    return this.current;
  }

  set(scenario: Scenario): void {
    this.replaced.abort();
    this.replaced = new AbortController();
    this.current = scenario;
    this.counts = { calls: 0, predictions: 0, completions: 0, downloads: 0, outputs: 0 };
    this.bucket = undefined;
  }

  /** Counts a call that would cost money. Only creates of predictions are rate limited. */
  admit(nowMs: number, limited: boolean): Admission {
    this.counts.calls += 1;
    if (isNth(this.current.unavailableEvery, this.counts.calls)) return { kind: 'unavailable' };
    const limit = this.current.rateLimit;
    if (limit === undefined || !limited) return { kind: 'ok' };
    const { taken, bucket } = takeToken(this.bucket, limit.perMinute, nowMs);
    this.bucket = bucket;
    return taken ? { kind: 'ok' } : { kind: 'limited', retryAfterSeconds: limit.retryAfterSeconds };
  }

  /** Counts a prediction that was taken. */
  takePrediction(): { index: number; fails: boolean; replyLost: boolean; heldUntil?: AbortSignal } {
    const count = (this.counts.predictions += 1);
    return {
      ...(this.current.hold?.includes(count - 1) === true ? { heldUntil: this.replaced.signal } : {}),
      index: count - 1,
      fails: isNth(this.current.failEvery, count),
      replyLost: isShare(this.current.loseReplies, count),
    };
  }

  /** Counts a download; true when it is to give a page instead of the clip. */
  spoilsDownload(): boolean {
    this.counts.downloads += 1;
    return this.counts.downloads <= (this.current.badDownloads ?? 0);
  }

  /** Counts a prediction of this prompt whose output is to be refused; false when it is not. */
  refusesOutput(prompt: string): boolean {
    const { rejectOutputs } = this.current;
    if (rejectOutputs === undefined || !prompt.includes(rejectOutputs.prompts)) return false;
    this.counts.outputs += 1;
    return this.counts.outputs <= (rejectOutputs.times ?? Infinity);
  }

  /** Counts a completion; says what it is to be. `spoilt`: no valid JSON. */
  takeCompletion(): PlanAnswerKind | 'spoilt' {
    const count = (this.counts.completions += 1);
    if (this.current.badPlanFirst === true && count === 1) return 'spoilt';
    return this.current.planAnswers?.[count - 1] ?? 'plan';
  }
}
