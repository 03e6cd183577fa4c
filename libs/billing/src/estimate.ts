import { type Job, planShape, SCENE_SECONDS } from '@clipmesh/contracts';
import { LONG_TOKENS } from './account.bound.js';
import { type ClipNeeds, quoteClip, refusalOf } from './models/clip.quote.js';
import { type ModelTable } from './models/model.terms.js';
import { completionCostMicros, llmPrice, type LlmPrice } from './llm.prices.js';

/** Micro-dollars: without any retry, and with every try and every fallback charged. */
export interface CostRange {
  readonly lowMicros: number;
  readonly highMicros: number;
}
export interface Estimate extends CostRange {
  /** Of the voice-over. Undefined: nothing is spoken. */
  readonly speech: (CostRange & { readonly isPriced: boolean }) | undefined;
  /** 0 when the price of the language model is unknown. */
  readonly llm: CostRange;
  readonly isLlmPriced: boolean;
  readonly scenes: readonly CostRange[];
  /** The oldest day on which a price of these video models was checked. Undefined: none of them suits. */
  readonly pricesAsOf: string | undefined;
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

/** A job whose reference image need not be stored yet. */
export type PricedJob = Omit<Job, 'referenceImage'> & { readonly referenceImage?: unknown };

/** What a scene of `seconds` needs from a clip of this job. */
export const clipNeeds = (
  { aspectRatio, referenceImage, clipSound }: Pick<PricedJob, 'aspectRatio' | 'referenceImage' | 'clipSound'>,
  seconds: number,
): ClipNeeds => ({ seconds, aspectRatio, hasImage: referenceImage !== undefined, sound: clipSound ?? true });

/**
 * The cost range of a scene's clip: from its first suitable model alone to every suitable model of the job charged once. Zero when
 * no model suits.
 */
export function estimateScene(models: ModelTable, job: PricedJob, seconds: number): CostRange {
  const quotes = job.models.flatMap((id) => {
    const terms = models.get(id);
    return (terms && quoteClip(terms, clipNeeds(job, seconds))) ?? [];
  });
  return {
    lowMicros: quotes[0]?.lowMicros ?? 0,
    highMicros: quotes.reduce((sum, { highMicros }) => sum + highMicros, 0),
  };
}

/** The cost range of a job before its plan is written, for every possible split of the video into scenes. */
export function estimate(job: PricedJob, llm: LlmTerms, models: ModelTable): Estimate {
  const { sceneCount } = planShape(job);
  const promptTokens = new TextEncoder().encode(job.prompt).length;
  const price = llm.price ?? llmPrice(llm.model);
  const planMicros = (inputTokens: number, outputTokens: number): number =>
    price === undefined ? 0 : completionCostMicros(price, inputTokens, outputTokens);
  const plans = {
    lowMicros: planMicros(SHORT.input, SHORT.output),
    highMicros: llm.tries * planMicros(QUESTION_TOKENS + promptTokens, LONG_TOKENS),
  };
  const low = (seconds: number): number => estimateScene(models, job, seconds).lowMicros;
  const high = (seconds: number): number => estimateScene(models, job, seconds).highMicros;
  // A plan need not have words, and a speaker may be free.
  const speech = { lowMicros: 0, highMicros: sceneCount * (job.voiceover?.sceneMaxMicros ?? 0) };
  const lengths = sceneLengths(job.durationSeconds, sceneCount);
  const scene = { lowMicros: Math.min(...lengths.map(low)), highMicros: Math.max(...lengths.map(high)) };
  return {
    lowMicros: plans.lowMicros + bestSplitMicros(job.durationSeconds, sceneCount, low, Math.min),
    highMicros: plans.highMicros + speech.highMicros + bestSplitMicros(job.durationSeconds, sceneCount, high, Math.max),
    llm: plans,
    speech: job.voiceover && { ...speech, isPriced: job.voiceover.sceneMaxMicros !== undefined },
    isLlmPriced: price !== undefined,
    scenes: Array.from({ length: sceneCount }, () => scene),
    pricesAsOf: oldestPrices(models, job, lengths),
  };
}

/** The oldest `asOf` of the models that can make a clip of one of these lengths. */
function oldestPrices(models: ModelTable, job: PricedJob, lengths: readonly number[]): string | undefined {
  return job.models
    .flatMap((id) => models.get(id) ?? [])
    .filter((terms) => lengths.some((seconds) => refusalOf(terms, clipNeeds(job, seconds)) === undefined))
    .map(({ asOf }) => asOf)
    .sort()[0];
}

/** The possible lengths of a scene of the job, seconds. */
export const possibleLengths = (job: PricedJob): number[] =>
  sceneLengths(job.durationSeconds, planShape(job).sceneCount);

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
