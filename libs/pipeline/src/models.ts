import { type AspectRatio } from '@clipmesh/contracts';

/** What the director needs to know of a video model. */
export interface VideoModel {
  readonly id: string;
  /** Price of one second of video, micro-dollars. */
  readonly microsPerSecond: number;
  /** Clip lengths the model offers, seconds, ascending; absent: every whole second up to `maxSeconds`. */
  readonly durations?: readonly number[];
  readonly maxSeconds: number;
  /** Absent: every ratio. Empty: the model takes none and its clips are fitted. */
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

/** Prices on Replicate, per second of video. Names come from requests too, so that it has none but its own: no `constructor`. */
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

/** Used when the one before has failed for good. */
export const FALLBACK_ORDER = [
  'google/veo-3.1',
  'google/veo-3',
  'pixverse/pixverse-v5',
  'bytedance/seedance-1-lite',
  'minimax/video-01',
] as const;

/** The shortest length the model offers that covers `seconds`; its longest when none does. */
export function snapSeconds(entry: VideoModel, seconds: number): number {
  const offered = entry.durations ?? [Math.min(Math.ceil(seconds), entry.maxSeconds)];
  return offered.find((length) => length >= seconds) ?? offered.at(-1) ?? entry.maxSeconds;
}

/** Price of a clip of `billedSeconds`, whole micro-dollars, rounded up. */
export function clipCostMicros(entry: VideoModel, billedSeconds: number): number {
  return Math.ceil(entry.microsPerSecond * billedSeconds);
}

/** Price of a language model, micro-dollars per million tokens. */
export interface LlmPrice {
  readonly inputMicros: number;
  readonly outputMicros: number;
}

/** Prices of OpenAI (openai.com/api/pricing, read 2025-08). Cached input is counted at the full price. */
const LLM_PRICES: ReadonlyMap<string, LlmPrice> = new Map([
  ['gpt-4o-mini', { inputMicros: 150_000, outputMicros: 600_000 }],
  ['gpt-4o', { inputMicros: 2_500_000, outputMicros: 10_000_000 }],
  ['gpt-4.1', { inputMicros: 2_000_000, outputMicros: 8_000_000 }],
  ['gpt-4.1-mini', { inputMicros: 400_000, outputMicros: 1_600_000 }],
  ['gpt-4.1-nano', { inputMicros: 100_000, outputMicros: 400_000 }],
]);

/** The provider answers with the dated name of what it was asked for: `gpt-4o-mini-2024-07-18`. */
const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/;

/** The price of a language model by its name; undefined for one that is not in the table. */
export const llmPrice = (model: string): LlmPrice | undefined => LLM_PRICES.get(model.replace(SNAPSHOT, ''));

/** What a completion costs, micro-dollars, rounded up. */
export const completionCostMicros = (price: LlmPrice, inputTokens: number, outputTokens: number): number =>
  Math.ceil((price.inputMicros * inputTokens + price.outputMicros * outputTokens) / 1_000_000);
