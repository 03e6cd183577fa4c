import { type Job, SCENE_SECONDS } from '@clipmesh/contracts';
import { LONG_TOKENS } from './account.doubt.js';
import { clipCostMicros, completionCostMicros, llmPrice, type LlmPrice, MODELS, snapSeconds } from './models.js';
import { planShape } from './plan.writer.js';

/** Micro-dollars: without any retry, and when every try and every fallback is charged. */
export interface Span {
  readonly lowMicros: number;
  readonly highMicros: number;
}
export interface Estimate extends Span {
  /** Nothing where the price of the language model is not known. */
  readonly llm: Span;
  readonly isLlmPriced: boolean;
  readonly scenes: readonly Span[];
}
/** What plans are bought with. */
export interface LlmTerms {
  readonly model: string;
  /** Configured price. Default: the one of the table. */
  readonly price?: LlmPrice | undefined;
  /** Tries of a plan. */
  readonly attempts: number;
}

/** Tokens of a short prompt and a short plan. */
const SHORT = { input: 150, output: 150 } as const;
/** Most tokens of what is asked beside the prompt, whose own tokens are no more than its bytes. */
const QUESTION_TOKENS = 1000;

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

/** What a job may cost before its plan is written, however that may cut the film into scenes. */
export function estimate(job: Job, llm: LlmTerms): Estimate {
  const { sceneCount } = planShape(job);
  const promptTokens = new TextEncoder().encode(job.prompt).length;
  const price = llm.price ?? llmPrice(llm.model);
  const planMicros = (inputTokens: number, outputTokens: number): number =>
    price === undefined ? 0 : completionCostMicros(price, inputTokens, outputTokens);
  const plans = {
    lowMicros: planMicros(SHORT.input, SHORT.output),
    highMicros: llm.attempts * planMicros(QUESTION_TOKENS + promptTokens, LONG_TOKENS),
  };
  const low = (seconds: number): number => estimateScene(job.models, seconds).lowMicros;
  const high = (seconds: number): number => estimateScene(job.models, seconds).highMicros;
  const lengths = sceneLengths(job.durationSeconds, sceneCount);
  const scene = { lowMicros: Math.min(...lengths.map(low)), highMicros: Math.max(...lengths.map(high)) };
  return {
    lowMicros: plans.lowMicros + ofBestCut(job.durationSeconds, sceneCount, low, Math.min),
    highMicros: plans.highMicros + ofBestCut(job.durationSeconds, sceneCount, high, Math.max),
    llm: plans,
    isLlmPriced: price !== undefined,
    scenes: Array.from({ length: sceneCount }, () => scene),
  };
}

/** The lengths, in seconds, that one of `count` scenes may have. */
function sceneLengths(total: number, count: number): number[] {
  const { min, max } = SCENE_SECONDS;
  const shortest = Math.max(min, total - (count - 1) * max);
  const longest = Math.min(max, total - (count - 1) * min);
  return Array.from({ length: Math.max(0, longest - shortest) + 1 }, (_, more) => shortest + more);
}

/** The price of the cut into `count` scenes whose price `pick` prefers to all others'. */
function ofBestCut(
  total: number,
  count: number,
  priceOf: (seconds: number) => number,
  pick: (a: number, b: number) => number,
): number {
  const lengths = sceneLengths(total, count);
  /** The best price of the scenes so far, by their seconds together. */
  let best = new Map([[0, 0]]);
  for (let scene = 0; scene < count; scene += 1) {
    const next = new Map<number, number>();
    for (const [before, price] of best)
      for (const seconds of lengths) {
        const sum = price + priceOf(seconds);
        const other = next.get(before + seconds);
        next.set(before + seconds, other === undefined ? sum : pick(other, sum));
      }
    best = next;
  }
  return best.get(total) ?? 0;
}
