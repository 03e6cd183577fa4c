import { type AspectRatio, type Charge, type Framework, type PlanDraft } from '@clipmesh/contracts';
import { type ClipRequest } from './clip.request.js';
import { type FaultKind } from './fault.kinds.js';

/** What the provider says of a prediction. Times are ISO 8601. */
export interface PredictionState {
  readonly id: string;
  /** As the provider names it; absent when it does not say. */
  readonly model?: string;
  readonly status: 'starting' | 'processing' | 'succeeded' | 'failed' | 'canceled';
  /** Where the video is, or a data URL that holds it; absent when the output has none. */
  readonly outputUrl?: string;
  readonly error?: string;
  /** What `error` means; read from `error` alone when absent. */
  readonly fault?: FaultKind;
  readonly createdAt?: string;
  readonly startedAt?: string;
  readonly completedAt?: string;
  /** Seconds of video the provider says it made; absent when it does not say. */
  readonly billedSeconds?: number;
}

/** Calls `poke` whenever the provider reported about this prediction; returns how to stop listening. */
export type NudgeSource = (predictionId: string, poke: () => void) => () => void;

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Called with every state that was read. */
  readonly onProgress?: (state: PredictionState) => void;
  /** Called once per log interval while the wait lasts. */
  readonly onLog?: (elapsedMs: number) => void;
  /** A nudge is answered with a poll at once; the provider's own source unless given. Polling goes on without any. */
  readonly nudge?: NudgeSource;
}

/** A purchase that is looked for. */
export interface PurchaseSearch {
  readonly request: ClipRequest;
  /** No create of it went out before. */
  readonly since: Date;
  /**
   * Decides among the predictions that carry no key and are what was asked for, the oldest first: several purchases may have
   * asked for the same. Resolves with the one that is this purchase's. One that carries the key is known by it.
   */
  readonly adopt: (candidates: readonly PredictionState[]) => Promise<PredictionState | undefined>;
}

/** A seller of clips. Every method throws `ClipmeshError`; none tries a call twice, except polls within `wait`. */
export interface ClipProvider {
  readonly name: string;
  /**
   * Creates one prediction. `beforeSend` runs when the call is allowed to go out and has to end before it does; what it
   * throws is thrown. When the reply is lost it throws `PROVIDER_UNAVAILABLE` though it may have been bought: `find` tells.
   * The signal is heeded until the call is sent. From then on only the call's own time limit ends it, and the prediction is
   * returned even if the signal was aborted meanwhile: an answer thrown away is a prediction that nobody knows.
   * Throws `PROVIDER_UNAVAILABLE`, not retryable, without a call while the model's circuit breaker is open.
   */
  submit(request: ClipRequest, signal: AbortSignal, beforeSend?: () => Promise<void>): Promise<PredictionState>;
  get(predictionId: string, signal: AbortSignal): Promise<PredictionState>;
  /** Looks for a purchase whose answer was lost; undefined when the provider does not list it. */
  find(search: PurchaseSearch, signal: AbortSignal): Promise<PredictionState | undefined>;
  /** Resolves with a final state. Throws `PROVIDER_TIMEOUT` after `timeoutMs`, `CANCELED` when the signal is aborted. */
  wait(predictionId: string, options: WaitOptions): Promise<PredictionState>;
  /**
   * Cancels, and resolves with the final state, which may be `succeeded`; one that has ended already is no error. Throws
   * `PROVIDER_TIMEOUT` when the call could not be made within 60 s, or the end is not seen within 10 s after it,
   * and `PROVIDER_BAD_INPUT` when there is no such prediction.
   */
  cancel(predictionId: string): Promise<PredictionState>;
  /** Writes an output to `file`; nothing is left there after an error. Only https, the provider's own origin, and data URLs. */
  download(url: string, file: string, signal: AbortSignal): Promise<{ bytes: number }>;
}

export interface PlanRequest {
  readonly prompt: string;
  readonly framework: Framework;
  readonly sceneCount: number;
  readonly durationSeconds: number;
  readonly aspectRatio: AspectRatio;
  /** An answer to the same question was cut off: this one may be longer. Default: false. */
  readonly hasMoreRoom?: boolean;
}

export interface PlanAnswer {
  readonly draft: PlanDraft;
  readonly completionId: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The model that answered, as the provider names it. */
  readonly model: string;
}

/** A language model that drafts scene plans. */
export interface PlanModel {
  readonly model: string;
  /** The most that one call costs, micro-dollars; undefined where its price is not known. */
  readonly quoteMicros: number | undefined;
  /** What an answer cost. */
  charge(answer: Omit<PlanAnswer, 'draft'>, outcome: Charge['outcome']): Charge;
  /** `key` is unique to this call, so that its answer can be found again. */
  draft(request: PlanRequest, key: string, signal: AbortSignal): Promise<PlanAnswer>;
  /**
   * The answer to a former call, which nobody may have read; undefined when the provider does not show one, or keeps none.
   * Throws what reading it throws, with its charge.
   */
  find(key: string, signal: AbortSignal): Promise<PlanAnswer | undefined>;
}
