import { type ClipRequest } from '../clip.request.js';
import { type ClipProvider, type NudgeSource, type PredictionState } from '../ports.js';

/** A way to buy from a Cog server: with a held call, or with a report at the end. */
export interface CogWay extends Pick<ClipProvider, 'get' | 'find' | 'cancel'> {
  /**
   * Sends the prediction, whose id is the key of the purchase. Throws when the server refuses it, and `PROVIDER_UNAVAILABLE` when its
   * answer is lost.
   */
  start(request: ClipRequest, input: unknown, limit: AbortSignal): Promise<PredictionState>;
  /** Wakes a wait at the end of a prediction. */
  readonly nudge: NudgeSource;
}
