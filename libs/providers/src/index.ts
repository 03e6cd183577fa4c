export * from './models/load.models.js';
export { type ClipForm, driftOf, modelSchemas, type ModelSchemas } from './models/model.drift.js';
export { type ModelEntries, type ModelEntry, modelEntrySchema, targetOf } from './models/model.entry.js';
export { modelInput } from './models/model.input.js';
export { modelsTable } from './models/models.table.js';
export { type ReadSchemas } from './models/model.schema.js';
export { completionCharge, planAnswerSchema } from './openai/openai.answer.js';
export { createOpenAiPlanModel, type OpenAiOptions } from './openai/openai.plan.model.js';
export { type ClipRequest, clipRequestSchema } from './clip.request.js';
export * from './ports.js';
export {
  guaranteeOf,
  guaranteesTable,
  openProviders,
  type OpenProviders,
  providerOf,
  type ProviderSettings,
  publishedSchemas,
  REPORT_LANES,
} from './registry.js';
export { createFalProvider, type FalOptions } from './fal/fal.provider.js';
export * from './reports/report.address.js';
export { type ReportLane } from './reports/report.lane.js';
export { isStandardSigned } from './reports/standard.signature.js';
export { outcomeOf } from './prediction/prediction.outcome.js';
export { createReplicateProvider, type ReplicateOptions } from './replicate/replicate.provider.js';
export { type BreakerSettings } from './limits/breaker.js';
export { type ProviderLog } from './provider.events.js';
export { type OpenProvider } from './prediction/clip.provider.js';
export { type ReportReader } from './provider.registration.js';
export { type SharedEntry, type SharedState } from './limits/shared.state.js';
export { createEspeakSpeechModel, type LocalSynthesizer } from './speech/espeak.speech.model.js';
export { createOpenAiSpeechModel, type OpenAiSpeechOptions } from './speech/openai.speech.model.js';
export * from './speech/speech.model.js';
export { openSpeech, type Speech, type SpeechSettings } from './speech/speech.registry.js';
