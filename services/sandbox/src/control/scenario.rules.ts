import { z } from 'zod';
import { modelRecordSchema } from '../models/model.record.js';
import { CHAT_SERVERS } from '../openai/chat.servers.js';
import { SPEECH_SERVERS } from '../speech/speech.servers.js';
import { OUTPUT_FORMS, type OutputForm, PLAN_ANSWERS, SPEECH_ANSWERS } from './answer.forms.js';

const seconds = z.number().min(0).max(3600);
const every = z.int().min(1);

/** The behaviour of the sandbox. `{}`: the default, without failures. */
export const scenarioSchema = z.strictObject({
  /** Duration of a prediction: a range (seed and prompt determine the value), or one value per prediction; the last one repeats. */
  clipSeconds: z
    .union([
      z.strictObject({ min: seconds, max: seconds }).refine(({ min, max }) => min <= max, 'min is greater than max'),
      z.array(seconds).min(1),
    ])
    .optional(),
  /** Indexes (from 0) of predictions that do not end before the next scenario is set or a cancel. */
  hold: z.array(z.int().min(0)).optional(),
  /** Time in the status `starting`. Default: 0. A Cog server has no queue. */
  queueSeconds: seconds.optional(),
  /** Every n-th prediction fails. */
  failEvery: every.optional(),
  /** Creates and speeches per minute, as a token bucket that starts full. Further ones get a 429. A Cog server has no limit. */
  rateLimit: z.strictObject({ perMinute: z.number().positive(), retryAfterSeconds: seconds }).optional(),
  /** Share of creates, and of speeches, that are processed and get no response. */
  loseReplies: z.number().min(0).max(1).optional(),
  /** The safety filter refuses predictions whose prompt, and speeches whose text contains this. */
  rejectPrompts: z.string().min(1).optional(),
  /**
   * The first `times` predictions whose prompt contains this text run to their end and are charged, and their output is refused.
   * Default of `times`: all.
   */
  rejectOutputs: z.strictObject({ prompts: z.string().min(1), times: every.optional() }).optional(),
  /** Predictions whose prompt contains this text fail with this error. */
  failPrompts: z.strictObject({ prompts: z.string().min(1), error: z.string().min(1) }).optional(),
  /** Further models, which win over recorded ones with the same id. */
  models: z.array(modelRecordSchema).optional(),
  /** Additional input fields of every model. */
  inputFields: z.array(z.string().min(1)).optional(),
  /** The first completion is not valid JSON. */
  badPlanFirst: z.boolean().optional(),
  /** Kinds of the completions, in the order of the calls. Further completions are plans. */
  planAnswers: z.array(z.enum(PLAN_ANSWERS)).optional(),
  /** The server that the chat endpoint behaves like. Default: OpenAI, with every field. */
  chatServer: z.enum(CHAT_SERVERS).optional(),
  /** Reasoning tokens of each completion, which count as output. Default: 0. */
  planThoughtTokens: z.int().min(0).optional(),
  /** The server that the speech endpoint behaves like. Default: OpenAI, with every field. */
  speechServer: z.enum(SPEECH_SERVERS).optional(),
  /** Kinds of the answers of the speech endpoint, in the order of the calls. Further answers are audio. */
  speechAnswers: z.array(z.enum(SPEECH_ANSWERS)).optional(),
  /** Time that a speech takes. Default: 0. */
  speechSeconds: seconds.optional(),
  slowDownloads: z.number().positive().optional(),
  /** The first n downloads of clips get an HTML page with status 200. */
  badDownloads: every.optional(),
  /** Clips can no longer be downloaded. Replicate has removed the inputs and outputs of ended predictions, too. */
  expiredOutputs: z.boolean().optional(),
  /**
   * Output forms of the predictions, in the order of their creates; the last one repeats. Default: the usual one of
   * the provider, `url` at Replicate, `nested` at fal and `data` at Cog.
   */
  outputs: z.array(z.enum(OUTPUT_FORMS)).min(1).optional(),
  planSeconds: seconds.optional(),
  /** Every n-th create, completion or speech gets a 503, and is neither processed nor charged. */
  unavailableEvery: every.optional(),
});
export type Scenario = z.infer<typeof scenarioSchema>;

/** Formats a zod error as one line of `field: message`. */
export function explain(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
}

/** Duration of the prediction with this index (from 0), seconds. The hexadecimal `hash` determines a value in a range. */
export function clipSecondsFor(scenario: Scenario, index: number, hash: string): number {
  const wanted = scenario.clipSeconds ?? { min: 1, max: 2 };
  if (Array.isArray(wanted)) return wanted[Math.min(index, wanted.length - 1)] ?? 0;
  return wanted.min + (Number.parseInt(hash.slice(0, 8), 16) / 0xffff_ffff) * (wanted.max - wanted.min);
}

/** Output form of the prediction with this index (from 0); undefined for the usual one of its provider. */
export const outputFormFor = ({ outputs = [] }: Scenario, index: number): OutputForm | undefined =>
  outputs[Math.min(index, outputs.length - 1)];

/** Whether "every n-th" includes this count (from 1). */
export function isNth(n: number | undefined, count: number): boolean {
  return n !== undefined && count % n === 0;
}

/** Spreads a share evenly: true for floor(count × share) of the first `count` calls. */
export function isShare(share: number | undefined, count: number): boolean {
  return share !== undefined && Math.floor(count * share) > Math.floor((count - 1) * share);
}

export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Takes one token if available. The capacity is one minute's worth, at least 1. */
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
