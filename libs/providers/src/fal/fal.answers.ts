import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { type FailureKind } from '../failures/failure.kinds.js';
import { FAL_FAILURE_TYPES } from './fal.failures.table.js';
import { jsonOf } from '../failures/json.text.js';
import { failureKindOf } from '../failures/prediction.failure.js';
import { type PredictionState } from '../ports.js';
import { videoUrlOf } from '../prediction/output.forms.js';
import { type ProviderAnswer } from '../prediction/provider.call.js';

const requestId = z.string().regex(/^[\w-]{1,100}$/);
const submitSchema = z.object({ request_id: requestId, queue_position: z.int().nonnegative().nullish() });
const logSchema = z.object({ timestamp: z.iso.datetime({ offset: true }) });
const statusSchema = z.object({
  status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  queue_position: z.int().nonnegative().nullish(),
  logs: z.array(z.unknown()).nullish(),
  metrics: z.object({ inference_time: z.number().nonnegative().nullish() }).nullish(),
  error: z.unknown().optional(),
  error_type: z.string().nullish(),
});
export type FalStatus = z.infer<typeof statusSchema>;
const cancelSchema = z.object({ status: z.string() });
const errorSchema = z.object({
  detail: z.union([z.string(), z.array(z.looseObject({ type: z.string().optional() }))]).optional(),
  error_type: z.string().optional(),
});

/** Error statuses of a call. Any other one in the answer to a result call is the error of the run. */
const CALL_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 408, 429]);
const CANCELED_STATUS = 499;
const CANCELED_TYPE = 'client_cancelled';

function read<T>(schema: z.ZodType<T>, { body }: ProviderAnswer, what: string): T {
  const parsed = schema.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  throw new ClipmeshError('PROVIDER_BAD_ANSWER', `the response of fal is not ${what}`, { cause: parsed.error });
}

const queued = (position: number | null | undefined): Pick<PredictionState, 'queuePosition'> =>
  typeof position === 'number' ? { queuePosition: position } : {};

/** The state of a request that was just submitted. Throws `PROVIDER_BAD_ANSWER`. */
export function submittedOf(answer: ProviderAnswer, model: string): PredictionState {
  const { request_id: id, queue_position } = read(submitSchema, answer, 'a submitted request');
  return { id, model, status: 'starting', ...queued(queue_position) };
}

/** Throws `PROVIDER_BAD_ANSWER`. */
export const statusOf = (answer: ProviderAnswer): FalStatus => read(statusSchema, answer, 'a status');

/** The word of an answer to a cancel: `OK`, `CANCELLATION_REQUESTED`, `ALREADY_COMPLETED` or `NOT_FOUND`. Else undefined. */
export const cancelWordOf = ({ body }: ProviderAnswer): string | undefined =>
  cancelSchema.safeParse(jsonOf(body)).data?.status;

/** When the run started: the time of its first log line. Undefined: it did not start, or wrote none. */
function startedAtOf({ logs }: FalStatus): string | undefined {
  return (logs ?? []).map((log) => logSchema.safeParse(log).data?.timestamp).find((time) => time !== undefined);
}

/** The state of a request that has not ended. */
export function openStateOf(status: FalStatus, id: string, model: string, seenAt: string | undefined): PredictionState {
  if (status.status === 'IN_QUEUE') return { id, model, status: 'starting', ...queued(status.queue_position) };
  const startedAt = startedAtOf(status) ?? seenAt;
  return { id, model, status: 'processing', ...(startedAt === undefined ? {} : { startedAt }) };
}

/** Whether an answer to a result call is the error of the run, and not one of the call or of a proxy before fal. */
export function isErrorOfRun({ status, headers }: ProviderAnswer): boolean {
  if (CALL_STATUSES.has(status)) return false;
  return status >= 400 && (status < 500 || headers.has('x-fal-request-id'));
}

/** The kind of a run's failure, by fal's type of the error, then by its text. */
function kindOf(body: string): FailureKind {
  const error = errorSchema.safeParse(jsonOf(body)).data;
  const details = Array.isArray(error?.detail) ? error.detail : [];
  const types = [...details.map(({ type }) => type), error?.error_type];
  const known = types.find((type) => type !== undefined && Object.hasOwn(FAL_FAILURE_TYPES, type));
  const row = known === undefined ? undefined : FAL_FAILURE_TYPES[known];
  return row?.kind ?? failureKindOf(body);
}

/** A completed request: its status, the answer to its result call, and when its run was seen first. */
export interface Completed {
  readonly id: string;
  readonly model: string;
  readonly status: FalStatus;
  readonly result: ProviderAnswer;
  readonly seenAt: string | undefined;
  /** Seconds to bill for a failed run that fal billed. */
  readonly billedSeconds: (units: number) => number;
}

/** The state of a completed request. fal has no status for a failure: the result has it. */
export function endedStateOf({ id, model, status, result, seenAt, billedSeconds }: Completed): PredictionState {
  const ranSeconds = status.metrics?.inference_time ?? undefined;
  const units = Number(result.headers.get('x-fal-billable-units') ?? 0);
  const isBilled = Number.isFinite(units) && units > 0;
  const now = new Date().toISOString();
  // A run that left no other trace has started when fal measured or billed it.
  const startedAt = startedAtOf(status) ?? seenAt ?? (ranSeconds !== undefined || isBilled ? now : undefined);
  const completedMs = startedAt === undefined ? Number.NaN : Date.parse(startedAt) + (ranSeconds ?? 0) * 1000;
  const times = {
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(ranSeconds === undefined || Number.isNaN(completedMs)
      ? {}
      : { completedAt: new Date(completedMs).toISOString() }),
  };
  if (result.status < 400) {
    const outputUrl = videoUrlOf(jsonOf(result.body));
    return { id, model, status: 'succeeded', ...times, ...(outputUrl === undefined ? {} : { outputUrl }) };
  }
  const type = errorSchema.safeParse(jsonOf(result.body)).data?.error_type ?? status.error_type;
  if (result.status === CANCELED_STATUS || type === CANCELED_TYPE) return { id, model, status: 'canceled', ...times };
  return {
    id,
    model,
    status: 'failed',
    ...times,
    error: `status ${result.status}: ${result.body}`,
    failureKind: kindOf(result.body),
    ...(isBilled ? { billedSeconds: billedSeconds(units) } : {}),
  };
}
