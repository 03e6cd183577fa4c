import { z } from 'zod';
import { STAGES } from '../services.js';

/**
 * Every failure code with a hint for the user. `retryable` is the default of the code: whether the same input may succeed
 * later. A {@link ClipmeshError} can override it.
 */
export const FAILURE_CODES = {
  PROVIDER_RATE_LIMITED: {
    retryable: true,
    hint: 'The model provider limits the request rate. The request is retried later.',
  },
  PROVIDER_UNAVAILABLE: {
    retryable: true,
    hint: 'The model provider is unreachable or returned a server error.',
  },
  PROVIDER_TIMEOUT: { retryable: true, hint: 'The model provider did not finish within the configured timeout.' },
  PROVIDER_BAD_ANSWER: { retryable: true, hint: 'The model returned an invalid result.' },
  PREDICTION_FAILED: { retryable: true, hint: 'The provider failed while the video model generated this clip.' },
  MODEL_FAILED: {
    retryable: false,
    hint: "The video model could not generate this clip. See the message for the model's error. Another model may succeed.",
  },
  MODEL_UNSUITABLE: {
    retryable: false,
    hint: 'No video model of the generation can make this clip. See the message for the reasons. Change the request, or add a model.',
  },
  PLAN_TRUNCATED: {
    retryable: true,
    hint: 'The answer of the language model was truncated. Raise LLM_MAX_TOKENS and LLM_RETRY_MAX_TOKENS, or the context size of your server.',
  },
  PREDICTION_REFUSED: { retryable: false, hint: "The model's safety filter rejected the prompt. Reword it." },
  OUTPUT_REFUSED: {
    retryable: false,
    hint: "The model's safety filter rejected the finished clip, also with another seed. Reword the prompt.",
  },
  PROVIDER_BAD_INPUT: {
    retryable: false,
    hint: 'The provider does not accept this input. See the message for the field.',
  },
  PROVIDER_AUTH: { retryable: false, hint: 'The provider rejected the API key. Check the token in the configuration.' },
  PROVIDER_OUT_OF_CREDIT: { retryable: false, hint: 'The provider account is out of credit. Top it up, then retry.' },
  DOWNLOAD_FAILED: {
    retryable: true,
    hint: 'A finished clip could not be downloaded. The download is retried from the same prediction.',
  },
  DOWNLOAD_EXPIRED: { retryable: false, hint: 'The provider no longer has the finished clip.' },
  MEDIA_INVALID: {
    retryable: false,
    hint: 'The media file is invalid. See the message for the reason.',
  },
  TEXT_UNDRAWABLE: {
    retryable: false,
    hint: 'No font has a character of the text. See the message for the character. Change the text, or set OVERLAY_FONT_FILE.',
  },
  FFMPEG_FAILED: { retryable: true, hint: 'ffmpeg failed. See the message for its last output lines.' },
  FFMPEG_STALLED: { retryable: true, hint: 'ffmpeg made no progress within the configured time and was stopped.' },
  OUT_OF_MEMORY: {
    retryable: true,
    hint: 'A process ran out of memory. Lower FFMPEG_PROCESSES, add memory, or raise FFMPEG_MEMORY_MB for large clips.',
  },
  STORE_UNAVAILABLE: {
    retryable: true,
    hint: 'The store or the message broker is unreachable, full or too busy. See the message.',
  },
  DELIVERY_FAILED: {
    retryable: true,
    hint: 'The webhook endpoint did not accept the event. See the message for its answer.',
  },
  ARTIFACT_MISSING: { retryable: false, hint: 'A stored file is missing.' },
  SCHEMA_VIOLATION: {
    retryable: false,
    hint: 'A message does not match its schema. Check that all services run the same version.',
  },
  REDELIVERED_TOO_OFTEN: { retryable: false, hint: 'This message crashed its service repeatedly.' },
  TIMEOUT: { retryable: true, hint: 'The work did not finish within its deadline.' },
  STALLED: {
    retryable: false,
    hint: 'The generation made no progress although its work was sent again. See the dead letters, then retry.',
  },
  BUDGET_EXCEEDED: {
    retryable: false,
    hint: 'The budget does not allow this purchase. Raise the budget or request less.',
  },
  CANCELED: { retryable: false, hint: 'The generation was canceled.' },
  INTERNAL: { retryable: true, hint: 'Unexpected error. See the log for the trace id.' },
} as const satisfies Record<string, { retryable: boolean; hint: string }>;

export type FailureCode = keyof typeof FAILURE_CODES;
export const failureCodeSchema = z.enum(Object.keys(FAILURE_CODES) as [FailureCode, ...FailureCode[]]);

/** The fields of a {@link chargeSchema}, for records that add to them. */
export const chargeFields = z.object({
  /**
   * Identifies what was paid for (`prediction:<id>`, `completion:<id>`, `purchase:<key>`), or `adjustment:<key of the charge>`. The
   * ledger deduplicates charges by key.
   */
  key: z.string().min(1).max(250),
  /** `adjustment`: what the provider billed, minus the charge `adjusts`. */
  kind: z.enum(['llm', 'clip', 'speech', 'image', 'adjustment']),
  stage: z.enum(STAGES),
  provider: z.string(),
  model: z.string(),
  /** Billed quantity, in `unit`. Negative only in an adjustment. */
  quantity: z.number(),
  unit: z.enum(['second', 'gpu_second', 'token', 'character', 'image']),
  /** The price that applied, from the table of models. */
  sku: z.string().optional(),
  /** Negative only in an adjustment. */
  amountMicros: z.int(),
  /** True: the price is unknown. The amount is 0 and the real cost is not in any sum. */
  unpriced: z.literal(true).optional(),
  /** True: the provider does not say whether it made this, or how long it computed. The amount is its highest price. */
  assumed: z.literal(true).optional(),
  /** The key of the charge that an adjustment corrects. */
  adjusts: z.string().min(1).max(200).optional(),
  scene: z.int().nonnegative().optional(),
  /** How the paid work ended. */
  outcome: z.enum(['succeeded', 'failed', 'canceled']),
});

/** Whether only an adjustment is negative, and only an adjustment names another charge. */
export const isSoundCharge = ({
  kind,
  adjusts,
  quantity,
  amountMicros,
}: Pick<Charge, 'kind' | 'adjusts' | 'quantity' | 'amountMicros'>): boolean =>
  kind === 'adjustment' ? adjusts !== undefined : adjusts === undefined && quantity >= 0 && amountMicros >= 0;

/** One priced thing that was paid for, or an adjustment of it, in whole micro-dollars. */
export const chargeSchema = chargeFields
  .refine(isSoundCharge, 'expected a charge that is not negative, or an adjustment that names its charge')
  .meta({ id: 'Charge' });
export type Charge = z.infer<typeof chargeFields>;

/** The charges of one event. Each adjustment comes with the charge that it corrects, so that no sum is ever negative. */
export const chargesSchema = z
  .array(chargeSchema)
  .refine(
    (charges) => charges.every(({ adjusts }) => adjusts === undefined || charges.some(({ key }) => key === adjusts)),
    'expected each adjustment together with its charge',
  );

/** Why something failed, in records, events and API responses. */
export const failureSchema = z
  .object({
    code: failureCodeSchema,
    stage: z.enum(STAGES),
    scene: z.int().nonnegative().optional(),
    message: z.string(),
    retryable: z.boolean(),
    /** True: what failed was paid for. */
    charged: z.boolean(),
    model: z.string().optional(),
  })
  .meta({ id: 'Failure' });
export type Failure = z.infer<typeof failureSchema>;

export interface ClipmeshErrorOptions extends ErrorOptions {
  /** Default: the `retryable` of the code. */
  readonly retryable?: boolean;
  /** Minimum delay before the next try, ms (a provider's `Retry-After`). */
  readonly retryAfterMs?: number;
  /** What was paid for although it failed. */
  readonly charges?: readonly Charge[];
}

/** The error class of Clipmesh: a stable code, whether to retry, and charges. Only settlement acts on it. */
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
