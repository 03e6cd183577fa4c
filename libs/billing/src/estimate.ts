import { type Job, planShape, SCENE_SECONDS } from '@clipmesh/contracts';
import { LONG_TOKENS } from './account.bound.js';
import { clipCostMicros, completionCostMicros, llmPrice, type LlmPrice, MODELS, snapSeconds } from './model.prices.js';

/** Micro-dollars: without any retry, and with every try and every fallback charged. */
export interface CostRange {
  readonly lowMicros: number;
  readonly highMicros: number;
}
export interface Estimate extends CostRange {
  /** 0 when the price of the language model is unknown. */
  readonly llm: CostRange;
  readonly isLlmPriced: boolean;
  readonly scenes: readonly CostRange[];
}
/** The language model that writes plans. */
export interface LlmTerms {
  readonly model: string;
  /** Configured price. Default: the price in the table. */
  readonly price?: LlmPrice | undefined;
  /** Maximum tries of a plan. */
  readonly tries: number;
}

/** Tokens of a short prompt and a short plan. */
const SHORT = { input: 150, output: 150 } as const;
/** Maximum tokens of a request besides its prompt. A prompt has at most as many tokens as bytes. */
const QUESTION_TOKENS = 1000;

/** Full price of a clip of `seconds` in the plan, micro-dollars; undefined for a model without a price. */
export function clipPrice(model: string, seconds: number): number | undefined {
  const entry = MODELS[model];
  return entry === undefined ? undefined : clipCostMicros(entry, snapSeconds(entry, seconds));
}

/** The cost range of a clip: from its first model alone to every model of the job charged once. */
export function estimateScene(models: readonly string[], seconds: number): CostRange {
  const prices = models.flatMap((model) => clipPrice(model, seconds) ?? []);
  return { lowMicros: prices[0] ?? 0, highMicros: prices.reduce((sum, price) => sum + price, 0) };
}

/** The cost range of a job before its plan is written, for every possible split of the video into scenes. */
export function estimate(job: Job, llm: LlmTerms): Estimate {
  const { sceneCount } = planShape(job);
  const promptTokens = new TextEncoder().encode(job.prompt).length;
  const price = llm.price ?? llmPrice(llm.model);
  const planMicros = (inputTokens: number, outputTokens: number): number =>
    price === undefined ? 0 : completionCostMicros(price, inputTokens, outputTokens);
  const plans = {
    lowMicros: planMicros(SHORT.input, SHORT.output),
    highMicros: llm.tries * planMicros(QUESTION_TOKENS + promptTokens, LONG_TOKENS),
  };
  const low = (seconds: number): number => estimateScene(job.models, seconds).lowMicros;
  const high = (seconds: number): number => estimateScene(job.models, seconds).highMicros;
  const lengths = sceneLengths(job.durationSeconds, sceneCount);
  const scene = { lowMicros: Math.min(...lengths.map(low)), highMicros: Math.max(...lengths.map(high)) };
  return {
    lowMicros: plans.lowMicros + bestSplitMicros(job.durationSeconds, sceneCount, low, Math.min),
    highMicros: plans.highMicros + bestSplitMicros(job.durationSeconds, sceneCount, high, Math.max),
    llm: plans,
    isLlmPriced: price !== undefined,
    scenes: Array.from({ length: sceneCount }, () => scene),
  };
}

/** The possible lengths of one of `count` scenes, seconds. */
function sceneLengths(total: number, count: number): number[] {
  const { min, max } = SCENE_SECONDS;
  const shortest = Math.max(min, total - (count - 1) * max);
  const longest = Math.min(max, total - (count - 1) * min);
  return Array.from({ length: Math.max(0, longest - shortest) + 1 }, (_, more) => shortest + more);
}

/** The price of the split into `count` scenes that `pick` prefers (the cheapest or the most expensive), micro-dollars. */
function bestSplitMicros(
  total: number,
  count: number,
  priceOf: (seconds: number) => number,
  pick: (a: number, b: number) => number,
): number {
  const lengths = sceneLengths(total, count);
  /** The best price of the scenes so far, by their total seconds. */
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
