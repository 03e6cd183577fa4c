import { z } from 'zod';
import { OUTPUT_FORMS, type OutputForm } from './output.forms.js';
import { PLAN_ANSWERS } from './plan.answers.js';

const seconds = z.number().min(0).max(3600);
const every = z.int().min(1);

/** What the sandbox is to do to its callers. `{}` is the well-behaved default. */
export const scenarioSchema = z.strictObject({
  /** Time a clip takes: a range (drawn by seed and prompt), or one value per prediction, the last repeating. */
  clipSeconds: z
    .union([
      z.strictObject({ min: seconds, max: seconds }).refine(({ min, max }) => min <= max, 'min is greater than max'),
      z.array(seconds).min(1),
    ])
    .optional(),
  /** Predictions, counted from 0, that do not end before the next scenario is set. A cancel ends them. */
  hold: z.array(z.int().min(0)).optional(),
  /** Time in `starting`. Default: 0. */
  queueSeconds: seconds.optional(),
  /** Every n-th prediction fails. */
  failEvery: every.optional(),
  /** Creates per minute as a token bucket that starts full; beyond it 429. */
  rateLimit: z.strictObject({ perMinute: z.number().positive(), retryAfterSeconds: seconds }).optional(),
  /** Share of creates that are taken but never answered. */
  loseReplies: z.number().min(0).max(1).optional(),
  /** Predictions whose prompt contains this text are refused by the safety filter. */
  rejectPrompts: z.string().min(1).optional(),
  /**
   * Predictions whose prompt contains this text run to their end, are charged, and then have their output refused: the first
   * `times` of them. Default: all.
   */
  rejectOutputs: z.strictObject({ prompts: z.string().min(1), times: every.optional() }).optional(),
  /** Predictions whose prompt contains this text fail with this error. */
  failPrompts: z.strictObject({ prompts: z.string().min(1), error: z.string().min(1) }).optional(),
  /** Input fields that the schema of every model has besides its own. */
  inputFields: z.array(z.string().min(1)).optional(),
  /** The first completion is no valid JSON. */
  badPlanFirst: z.boolean().optional(),
  /** What completions are, in the order of the calls; after the last one: plans. */
  planAnswers: z.array(z.enum(PLAN_ANSWERS)).optional(),
  /** Tokens that each completion spends on thoughts, which count as output. Default: 0. */
  planThoughtTokens: z.int().min(0).optional(),
  slowDownloads: z.number().positive().optional(),
  /** The first n downloads of clips are answered with an HTML page and status 200. */
  badDownloads: every.optional(),
  /** How predictions give their output: one form each, in the order of their creates, the last repeating. Default: `url`. */
  outputs: z.array(z.enum(OUTPUT_FORMS)).min(1).optional(),
  planSeconds: seconds.optional(),
  /** Every n-th create, completion or speech is answered 503, and neither taken nor charged. */
  unavailableEvery: every.optional(),
});
export type Scenario = z.infer<typeof scenarioSchema>;

/** A zod error in one line: `field: what is wrong`. */
export function explain(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
}

/** Seconds the `index`-th (from 0) prediction takes. `hash` is hexadecimal; the same hash draws the same value. */
export function clipSecondsFor(scenario: Scenario, index: number, hash: string): number {
  const wanted = scenario.clipSeconds ?? { min: 1, max: 2 };
  if (Array.isArray(wanted)) return wanted[Math.min(index, wanted.length - 1)] ?? 0;
  return wanted.min + (Number.parseInt(hash.slice(0, 8), 16) / 0xffff_ffff) * (wanted.max - wanted.min);
}

/** How the `index`-th (from 0) prediction gives its output. */
export const outputFormFor = ({ outputs = ['url'] }: Scenario, index: number): OutputForm =>
  outputs[Math.min(index, outputs.length - 1)] ?? 'url';

/** Is the `count`-th (from 1) of its kind hit by "every n-th"? */
export function isNth(n: number | undefined, count: number): boolean {
  return n !== undefined && count % n === 0;
}

/** Spreads a share evenly: of any first `count`, floor(count × share) are hit. */
export function isShare(share: number | undefined, count: number): boolean {
  return share !== undefined && Math.floor(count * share) > Math.floor((count - 1) * share);
}

export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Takes one token when there is one. The bucket holds a minute's worth (at least one). */
export function takeToken(
  bucket: Bucket | undefined,
  perMinute: number,
  nowMs: number,
): { taken: boolean; bucket: Bucket } {
  const capacity = Math.max(1, perMinute);
  const refilled = bucket === undefined ? capacity : bucket.tokens + ((nowMs - bucket.atMs) / 60_000) * perMinute;
  const tokens = Math.min(capacity, refilled);
  const taken = tokens >= 1;
  return { taken, bucket: { tokens: taken ? tokens - 1 : tokens, atMs: nowMs } };
}
