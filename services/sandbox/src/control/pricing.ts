import { createHash } from 'node:crypto';

/** The price of a video model in the sandbox. Independent of the pipeline's table, so that the invoice can verify the ledger. */
export interface SandboxModel {
  readonly id: string;
  readonly microsPerSecond: number;
  readonly defaultSeconds: number;
  /** Allowed durations. Default: every whole second from 1 to 60. */
  readonly durations?: readonly number[];
  /** The input field of the first frame's image. */
  readonly image: string;
}

const VEO = { image: 'image', microsPerSecond: 120_000, defaultSeconds: 8, durations: [4, 6, 8] } as const;
const TABLE: readonly SandboxModel[] = [
  { id: 'google/veo-3.1', ...VEO },
  { id: 'google/veo-3', ...VEO },
  { id: 'pixverse/pixverse-v5', microsPerSecond: 60_000, defaultSeconds: 5, image: 'image' },
  { id: 'kwaivgi/kling-v2.5-turbo-pro', microsPerSecond: 70_000, defaultSeconds: 5, image: 'start_image' },
  { id: 'minimax/hailuo-02', microsPerSecond: 90_000, defaultSeconds: 6, image: 'first_frame_image' },
  { id: 'bytedance/seedance-1-lite', microsPerSecond: 40_000, defaultSeconds: 5, image: 'image' },
  { id: 'minimax/video-01', microsPerSecond: 50_000, defaultSeconds: 6, image: 'first_frame_image' },
];
const MODELS = new Map(TABLE.map((model) => [model.id, model]));

export function findModel(id: string): SandboxModel | undefined {
  return MODELS.get(id);
}

/** The id of a model's only version: 64 hexadecimal digits. */
export function versionOf(model: SandboxModel): string {
  return createHash('sha256').update(model.id).digest('hex');
}

/** Finds a model by version id, `owner/name` or `owner/name:version`. */
export function findVersion(version: string): SandboxModel | undefined {
  const [name = '', id] = version.split(':');
  const model = MODELS.get(name) ?? TABLE.find((entry) => versionOf(entry) === name);
  return model === undefined || (id !== undefined && id !== versionOf(model)) ? undefined : model;
}

export function clipMicros(model: SandboxModel, seconds: number): number {
  return model.microsPerSecond * seconds;
}

/** $0.15 and $0.60 per million tokens, rounded up to whole micro-dollars. */
export function completionMicros(inputTokens: number, outputTokens: number): number {
  return Math.ceil((15 * inputTokens + 60 * outputTokens) / 100);
}

/** $15 per million characters. */
export function speechMicros(characters: number): number {
  return 15 * characters;
}

/** Counts four characters as one token. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** Converts micro-dollars to dollars. */
export function usd(micros: number): number {
  return micros / 1_000_000;
}
