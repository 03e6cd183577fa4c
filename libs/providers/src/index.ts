export { MODEL_INPUTS, modelInput } from './models.js';
export { completionCharge, createOpenAiPlanModel, type OpenAiOptions, planAnswerSchema } from './openai.plan-model.js';
export { type ClipRequest, clipRequestSchema } from './clip.request.js';
export * from './ports.js';
export { outcomeOf } from './prediction.state.js';
export { type CallKind, RateLimiter, type RateLimiterOptions } from './rate.limiter.js';
export { createReplicateProvider, type ReplicateOptions } from './replicate.provider.js';
