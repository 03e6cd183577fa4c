import { type AspectRatio } from '@clipmesh/contracts';

/** The properties of a video model that the director uses. */
export interface VideoModel {
  readonly id: string;
  /** Price of one second of video, micro-dollars. */
  readonly microsPerSecond: number;
  /** Clip lengths that the model offers, seconds, ascending. Default: every whole second up to `maxSeconds`. */
  readonly durations?: readonly number[];
  readonly maxSeconds: number;
  /** Default: every ratio. Empty: the model takes no ratio, and its clips are fitted. */
  readonly aspectRatios?: readonly AspectRatio[];
}

const model = (
  id: string,
  microsPerSecond: number,
  maxSeconds: number,
  durations?: readonly number[],
  aspectRatios?: readonly AspectRatio[],
): VideoModel => ({
  id,
  microsPerSecond,
  maxSeconds,
  ...(durations === undefined ? {} : { durations }),
  ...(aspectRatios === undefined ? {} : { aspectRatios }),
});

/** Prices on Replicate, per second of video. No prototype: requests contain model names, and `constructor` must not match. */
export const MODELS: Readonly<Record<string, VideoModel>> = Object.assign(
  Object.create(null) as Record<string, VideoModel>,
  Object.fromEntries(
    [
      model('google/veo-3.1', 120_000, 8, [4, 6, 8]),
      model('google/veo-3', 120_000, 8, [4, 6, 8]),
      model('pixverse/pixverse-v5', 60_000, 8, [5, 8]),
      model('kwaivgi/kling-v2.5-turbo-pro', 70_000, 10, [5, 10], []),
      model('minimax/hailuo-02', 90_000, 10, [6, 10], []),
      model('bytedance/seedance-1-lite', 40_000, 12),
      model('minimax/video-01', 50_000, 6, [6], []),
    ].map((entry) => [entry.id, entry]),
  ),
);

/** The shortest length that the model offers and that covers `seconds`; its longest when none does. Seconds. */
export function snapSeconds(entry: VideoModel, seconds: number): number {
  const offered = entry.durations ?? [Math.min(Math.ceil(seconds), entry.maxSeconds)];
  return offered.find((length) => length >= seconds) ?? offered.at(-1) ?? entry.maxSeconds;
}

/** Price of a clip of `billedSeconds`, micro-dollars, rounded up. */
export function clipCostMicros(entry: VideoModel, billedSeconds: number): number {
  return Math.ceil(entry.microsPerSecond * billedSeconds);
}

/** Price of a language model, micro-dollars per million tokens. */
export interface LlmPrice {
  readonly inputMicros: number;
  readonly outputMicros: number;
}

/**
 * OpenAI prices (platform.openai.com/docs/pricing), as published tables of April 2026 repeat them. Cached input counts at
 * the full price.
 */
const LLM_PRICES: ReadonlyMap<string, LlmPrice> = new Map([
  ['gpt-4o-mini', { inputMicros: 150_000, outputMicros: 600_000 }],
  ['gpt-4o', { inputMicros: 2_500_000, outputMicros: 10_000_000 }],
  ['gpt-4.1', { inputMicros: 2_000_000, outputMicros: 8_000_000 }],
  ['gpt-4.1-mini', { inputMicros: 400_000, outputMicros: 1_600_000 }],
  ['gpt-4.1-nano', { inputMicros: 100_000, outputMicros: 400_000 }],
]);

/** The date that providers append to the requested model in answers: `gpt-4o-mini-2024-07-18`. */
const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/;

/** The price of a language model; undefined when the table does not have it. */
export const llmPrice = (model: string): LlmPrice | undefined => LLM_PRICES.get(model.replace(SNAPSHOT, ''));

/** The cost of a completion, micro-dollars, rounded up. */
export const completionCostMicros = (price: LlmPrice, inputTokens: number, outputTokens: number): number =>
  Math.ceil((price.inputMicros * inputTokens + price.outputMicros * outputTokens) / 1_000_000);
