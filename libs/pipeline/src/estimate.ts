import { type Job, type Plan } from '@clipmesh/contracts';
import { LONG_TOKENS } from './account.doubt.js';
import { clipCostMicros, completionCostMicros, MODELS, snapSeconds } from './models.js';
import { evenDurations } from './plan.rules.js';
import { planShape } from './plan.writer.js';

/** Micro-dollars: without any retry, and when every try and every fallback is charged. */
export interface Span {
  readonly lowMicros: number;
  readonly highMicros: number;
}
export interface Estimate extends Span {
  readonly llm: Span;
  readonly scenes: readonly Span[];
}
/** What plans are bought with. */
export interface LlmTerms {
  readonly model: string;
  /** Tries of a plan. */
  readonly attempts: number;
}

/** Tokens of a usual plan. */
const USUAL = { input: 600, output: 900 } as const;
/** Tokens of a long prompt and a long plan. */
const LONG = { input: LONG_TOKENS, output: LONG_TOKENS } as const;

/** Full price of a clip that is `seconds` long in the plan; undefined for a model without a price. */
export function clipPrice(model: string, seconds: number): number | undefined {
  const entry = MODELS[model];
  return entry === undefined ? undefined : clipCostMicros(entry, snapSeconds(entry, seconds));
}

/** What a clip may cost: its first model alone, up to every model of the job charged once. */
export function estimateScene(models: readonly string[], seconds: number): Span {
  const prices = models.flatMap((model) => clipPrice(model, seconds) ?? []);
  return { lowMicros: prices[0] ?? 0, highMicros: prices.reduce((sum, price) => sum + price, 0) };
}

/** What a job may cost, before its plan is written or after. */
export function estimate(job: Job, llm: LlmTerms, plan?: Plan): Estimate {
  const lengths =
    plan?.scenes.map(({ durationSeconds }) => durationSeconds) ??
    evenDurations(job.durationSeconds, planShape(job).sceneCount);
  const scenes = lengths.map((seconds) => estimateScene(job.models, seconds));
  const plans = {
    lowMicros: completionCostMicros(llm.model, USUAL.input, USUAL.output),
    highMicros: llm.attempts * completionCostMicros(llm.model, LONG.input, LONG.output),
  };
  const all = [plans, ...scenes];
  return {
    lowMicros: all.reduce((sum, { lowMicros }) => sum + lowMicros, 0),
    highMicros: all.reduce((sum, { highMicros }) => sum + highMicros, 0),
    llm: plans,
    scenes,
  };
}
