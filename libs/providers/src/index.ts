export { FAILURE_KINDS, type FailureKind } from './failures/failure.kinds.js';
export { MODEL_INPUTS, modelInput } from './replicate/input/model.inputs.js';
export { completionCharge, planAnswerSchema } from './openai/openai.answer.js';
export { createOpenAiPlanModel, type OpenAiOptions } from './openai/openai.plan.model.js';
export { type ClipRequest, clipRequestSchema } from './clip.request.js';
export * from './ports.js';
export { outcomeOf } from './prediction/prediction.outcome.js';
export { type CallKind, RateLimiter, type RateLimiterOptions } from './limits/rate.limiter.js';
export {
  createReplicateProvider,
  type ReplicateOptions,
  type ReplicateProvider,
} from './replicate/replicate.provider.js';
export { type BreakerSettings, type BreakerState, CLOSED, stepBreaker, breakerEventOf } from './limits/breaker.js';
export { type ProviderLog } from './provider.events.js';
export { type SharedEntry, type SharedState } from './limits/shared.state.js';
