import { z } from 'zod';

/** The stages of a generation, as reports and failures name them. */
export const STAGES = ['llm', 'planning', 'clip', 'overlay', 'stitch', 'audio', 'export'] as const;
export type Stage = (typeof STAGES)[number];

/**
 * Every failure code: whether trying the same again can help, and what the user can do.
 * `retryable` is the default of the code; the place that knows better may say otherwise.
 */
export const FAILURE_CODES = {
  PROVIDER_RATE_LIMITED: { retryable: true, hint: 'The model provider asked to slow down; it is tried again later.' },
  PROVIDER_UNAVAILABLE: {
    retryable: true,
    hint: 'The model provider could not be reached or answered with an error of its own.',
  },
  PROVIDER_TIMEOUT: { retryable: true, hint: 'The model provider did not finish within the configured time.' },
  PROVIDER_BAD_ANSWER: { retryable: true, hint: 'The model answered with something that is no valid result.' },
  PREDICTION_FAILED: { retryable: true, hint: 'The service of the video model failed while it made this clip.' },
  MODEL_FAILED: {
    retryable: false,
    hint: 'The video model failed on this clip for a reason of its own; the message has its words. Another model may do better.',
  },
  PLAN_TRUNCATED: {
    retryable: true,
    hint: 'The answer of the language model was cut off; raise LLM_MAX_TOKENS and LLM_RETRY_MAX_TOKENS, or the context of your server.',
  },
  PREDICTION_REFUSED: { retryable: false, hint: "The model's safety filter refused the prompt; reword it." },
  OUTPUT_REFUSED: {
    retryable: false,
    hint: "The model's safety filter withheld the finished clip, with another seed as well; reword the prompt.",
  },
  PROVIDER_BAD_INPUT: {
    retryable: false,
    hint: 'The provider does not accept this input; see the message for the field.',
  },
  PROVIDER_AUTH: { retryable: false, hint: 'The provider refused the API key; check the token in the configuration.' },
  PROVIDER_OUT_OF_CREDIT: { retryable: false, hint: 'The provider account is out of credit; top it up, then retry.' },
  DOWNLOAD_FAILED: {
    retryable: true,
    hint: 'A finished clip could not be downloaded; it is tried again from the same prediction.',
  },
  DOWNLOAD_EXPIRED: { retryable: false, hint: 'The provider no longer has the finished clip.' },
  MEDIA_INVALID: {
    retryable: false,
    hint: 'The media file could not be read; see the message for what is wrong with it.',
  },
  FFMPEG_FAILED: { retryable: true, hint: 'ffmpeg ended with an error; its last lines are in the message.' },
  FFMPEG_STALLED: { retryable: true, hint: 'ffmpeg made no progress within the configured time and was ended.' },
  OUT_OF_MEMORY: {
    retryable: true,
    hint: 'A process was ended by the system for lack of memory; lower FFMPEG_PROCESSES or give the machine more.',
  },
  STORE_UNAVAILABLE: {
    retryable: true,
    hint: 'The store or the message broker could not be reached, is full, or is too busy; see the message.',
  },
  DELIVERY_FAILED: {
    retryable: true,
    hint: 'The endpoint of a webhook did not take the event; the message says what it answered.',
  },
  ARTIFACT_MISSING: { retryable: false, hint: 'A stored file is no longer there.' },
  SCHEMA_VIOLATION: { retryable: false, hint: 'A message does not match its schema; are all services of one version?' },
  REDELIVERED_TOO_OFTEN: { retryable: false, hint: 'Handling this message ended the process again and again.' },
  TIMEOUT: { retryable: true, hint: 'The work did not end within its deadline.' },
  STALLED: {
    retryable: false,
    hint: 'No service carried the generation on, though its work was sent again; see the dead letters, then retry.',
  },
  BUDGET_EXCEEDED: { retryable: false, hint: 'The budget does not allow this purchase; raise it, or ask for less.' },
  CANCELED: { retryable: false, hint: 'The generation was canceled.' },
  INTERNAL: { retryable: true, hint: 'An unexpected error; the log has the details under the trace id.' },
} as const satisfies Record<string, { retryable: boolean; hint: string }>;

export type FailureCode = keyof typeof FAILURE_CODES;
export const failureCodeSchema = z.enum(Object.keys(FAILURE_CODES) as [FailureCode, ...FailureCode[]]);

/** What was bought: one priced thing, in integer micro-dollars. `key` is unique to what it books. */
export const chargeSchema = z
  .object({
    /** Unique to the thing paid for (`prediction:<id>`, `completion:<id>`), so that it is booked once however often it is told. */
    key: z.string().min(1).max(200),
    kind: z.enum(['llm', 'clip', 'speech', 'image']),
    stage: z.enum(STAGES),
    provider: z.string(),
    model: z.string(),
    /** Billed quantity in `unit`s. */
    quantity: z.number().nonnegative(),
    unit: z.enum(['second', 'token', 'character', 'image']),
    amountMicros: z.int().nonnegative(),
    /** The price is not known: the amount is 0, and what was really charged is not in any sum. */
    unpriced: z.literal(true).optional(),
    scene: z.int().nonnegative().optional(),
    /** How the paid work ended. */
    outcome: z.enum(['succeeded', 'failed', 'canceled']),
  })
  .meta({ id: 'Charge' });
export type Charge = z.infer<typeof chargeSchema>;

/** Why something failed, as it stands in records, events and API answers. */
export const failureSchema = z
  .object({
    code: failureCodeSchema,
    stage: z.enum(STAGES),
    scene: z.int().nonnegative().optional(),
    message: z.string(),
    retryable: z.boolean(),
    /** True when money was spent on what failed. */
    charged: z.boolean(),
    model: z.string().optional(),
  })
  .meta({ id: 'Failure' });
export type Failure = z.infer<typeof failureSchema>;

export interface ClipmeshErrorOptions extends ErrorOptions {
  /** Overrides the default of the code. */
  readonly retryable?: boolean;
  /** The earliest sensible next try, in ms from now (a provider's `Retry-After`). */
  readonly retryAfterMs?: number;
  /** What was paid although it failed. */
  readonly charges?: readonly Charge[];
}

/** The one error class of the house: a stable code, whether to try again, and what it cost. Acted upon only in settlement. */
export class ClipmeshError extends Error {
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly charges: readonly Charge[];
  constructor(
    readonly code: FailureCode,
    message: string,
    options: ClipmeshErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ClipmeshError';
    this.retryable = options.retryable ?? FAILURE_CODES[code].retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.charges = options.charges ?? [];
  }
}
