import { type AspectRatio, type Charge, type Framework, type PlanDraft } from '@clipmesh/contracts';
import { type ClipRequest } from './clip.request.js';
import { type FailureKind } from './failures/failure.kinds.js';

/** The state of a prediction as the provider reports it. Times are ISO 8601. */
export interface PredictionState {
  readonly id: string;
  /** The provider's name of the model; absent when not reported. */
  readonly model?: string;
  readonly status: 'starting' | 'processing' | 'succeeded' | 'failed' | 'canceled';
  /** URL or data URL of the video; absent when the output has none. */
  readonly outputUrl?: string;
  readonly error?: string;
  /** The kind of the failure. Default: derived from `error`. */
  readonly failureKind?: FailureKind;
  /** Predictions that are before this one in the provider's queue; absent when not reported. */
  readonly queuePosition?: number;
  readonly createdAt?: string;
  readonly startedAt?: string;
  readonly completedAt?: string;
  /** Seconds of video that the provider reports; absent when not reported. */
  readonly billedSeconds?: number;
  /** Seconds of computing that the provider reports; absent when not reported. */
  readonly gpuSeconds?: number;
  /** What the provider says that it billed, micro-dollars; absent when it does not say. */
  readonly billedMicros?: number;
}

/** A prediction at its provider. */
export interface Operation {
  /** The provider's id of the prediction. */
  readonly id: string;
  /** Our name of the model. */
  readonly model: string;
}

/** The answer to a search for a purchase. */
export type PurchaseFinding =
  | { readonly kind: 'found'; readonly state: PredictionState }
  /** The provider certainly has no such prediction. */
  | { readonly kind: 'absent' }
  /** The provider cannot say it yet: search again after `retryAfterMs`. */
  | { readonly kind: 'pending'; readonly retryAfterMs: number }
  /** The provider cannot say whether it had one. */
  | { readonly kind: 'unknowable' };

/**
 * What a provider guarantees for a purchase whose answer was lost. `never_twice`: it can be found, so it is never bought again.
 * `at_most_once_more`: its outcome may stay unknown, and then it is bought at most once more.
 */
export type Guarantee = 'never_twice' | 'at_most_once_more';

/** Calls `onNudge` whenever the provider reported about this prediction. Returns a function that stops listening. */
export type NudgeSource = (predictionId: string, onNudge: () => void) => () => void;

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Called with every polled state. */
  readonly onProgress?: (state: PredictionState) => void;
  /** Called once per log interval during the wait. */
  readonly onLog?: (elapsedMs: number) => void;
  /** A nudge triggers an immediate poll. Polling works without nudges. Default: the provider's own source. */
  readonly nudge?: NudgeSource;
}

/** A search for a purchase. */
export interface PurchaseSearch {
  readonly request: ClipRequest;
  /** No create of the purchase was sent before this time. */
  readonly since: Date;
  /**
   * Chooses among the predictions that match the request and carry no key, oldest first, because several purchases may have the same
   * request. Resolves with the one of this purchase. Not called when a prediction carries the key.
   */
  readonly adopt: (candidates: readonly PredictionState[]) => Promise<PredictionState | undefined>;
}

/** A provider of clips. Every method throws `ClipmeshError`. None retries a call, except polls in `wait`. */
export interface ClipProvider {
  /** The provider in charges and purchases. */
  readonly name: string;
  readonly guarantee: Guarantee;
  /** The provider in cache keys: its name and base URL. Results of different origins are not shared. */
  readonly cacheOrigin: string;
  /**
   * Creates one prediction. Awaits `beforeSend` after the rate limit admits the call and before it is sent; rethrows its error. The
   * signal has an effect only until the call is sent: a discarded response would leave a prediction that nobody knows. After that,
   * only the call's own time limit ends it. Throws `PROVIDER_UNAVAILABLE` when the response is lost, although the prediction may
   * exist; use `find`. Throws `PROVIDER_UNAVAILABLE`, not retryable, without a call while the model's circuit breaker is open.
   */
  submit(request: ClipRequest, signal: AbortSignal, beforeSend?: () => Promise<void>): Promise<PredictionState>;
  /** Throws `PROVIDER_BAD_INPUT` when the prediction does not exist. */
  get(operation: Operation, signal: AbortSignal): Promise<PredictionState>;
  /** Finds a purchase whose response was lost. */
  find(search: PurchaseSearch, signal: AbortSignal): Promise<PurchaseFinding>;
  /** Resolves with a final state. Throws `PROVIDER_TIMEOUT` after `timeoutMs`, `CANCELED` when the signal is aborted. */
  wait(operation: Operation, options: WaitOptions): Promise<PredictionState>;
  /**
   * Cancels a prediction and resolves with its final state, which may be `succeeded`. A prediction that has ended already is not an
   * error. Throws `PROVIDER_TIMEOUT` when the call is not sent within 60 s or the prediction does not end within 10 s after it, and
   * `PROVIDER_BAD_INPUT` when the prediction does not exist.
   */
  cancel(operation: Operation): Promise<PredictionState>;
  /** Downloads an output to `file`, and leaves no file after an error. Allows https, the provider's own origin and data URLs. */
  download(url: string, file: string, signal: AbortSignal): Promise<{ bytes: number }>;
}

/** The configured providers of clips. */
export interface ClipProviders {
  /**
   * The provider that a purchase names, else the one that the entry of the model names. Throws `PROVIDER_BAD_INPUT` that says what to
   * set when that provider is not configured, or when the model is unknown.
   */
  of(model: string, purchasedFrom?: string): ClipProvider;
}

export interface PlanRequest {
  readonly prompt: string;
  readonly framework: Framework;
  readonly sceneCount: number;
  readonly durationSeconds: number;
  readonly aspectRatio: AspectRatio;
  /** Allows a longer answer, because an earlier one was cut off. Default: false. */
  readonly hasMoreRoom?: boolean;
}

export interface PlanAnswer {
  readonly draft: PlanDraft;
  readonly completionId: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The provider's name of the model that answered. */
  readonly model: string;
}

/** A language model that drafts scene plans. */
export interface PlanModel {
  readonly model: string;
  /** Upper bound of the cost of one call, micro-dollars; undefined when the price is unknown. */
  readonly quoteMicros: number | undefined;
  /** The charge of an answer. */
  charge(answer: Omit<PlanAnswer, 'draft'>, outcome: Charge['outcome']): Charge;
  /** Drafts a plan. `key` is unique to the call; `find` takes it. */
  draft(request: PlanRequest, key: string, signal: AbortSignal): Promise<PlanAnswer>;
  /**
   * Finds the answer to an earlier call whose response may be lost; undefined when the provider has or stores none. Throws the same
   * errors as `draft` for a bad answer, with its charge.
   */
  find(key: string, signal: AbortSignal): Promise<PlanAnswer | undefined>;
}
