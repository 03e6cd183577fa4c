import { createHash } from 'node:crypto';
import { type Charge, ClipmeshError, type FailureCode, type Job, type Plan } from '@clipmesh/contracts';
import {
  AlreadyExistsError,
  type Attempt,
  type AttemptStore,
  board,
  ConflictError,
  type Versioned,
} from '@clipmesh/persistence';
import { repairPlan, planFromDraft, planShape } from '@clipmesh/pipeline';
import { type PlanAnswer, planAnswerSchema, type PlanModel } from '@clipmesh/providers';
import { type createLogger } from '@clipmesh/tracing';
import { type PlanCache, planCacheRequest } from './plan.cache.js';

export interface PlanPurchaseDeps {
  readonly planModel: PlanModel;
  readonly purchases: AttemptStore;
  /** Undefined: every plan is bought. */
  readonly cache: PlanCache | undefined;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn'>;
  /** Whether the generation was canceled before this call began, as the broker knows it. */
  readonly isCanceled: (generationId: string) => Promise<boolean>;
}

/** Answers after which it is certain that nothing is charged. */
const NOT_CHARGED: ReadonlySet<FailureCode> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_BAD_INPUT',
  'PROVIDER_AUTH',
  'PROVIDER_OUT_OF_CREDIT',
  'CANCELED',
]);

/** Longest look for one answer, ms. */
const FIND_TIMEOUT_MS = 10_000;

const now = (): string => new Date().toISOString();
const fingerprintOf = (job: Job, model: string): string =>
  createHash('sha256')
    .update(JSON.stringify([model, job.prompt, job.durationSeconds, job.aspectRatio, planShape(job)]))
    .digest('hex');

/** A command that asks for a plan. */
interface Command {
  readonly generationId: string;
  readonly job: Job;
  readonly attempt: number;
  readonly givesUp: (error: ClipmeshError) => boolean;
  readonly fingerprint: string;
}
interface PurchasedPlan {
  readonly plan: Plan;
  readonly charges: Charge[];
  readonly answer: PlanAnswer;
}

/**
 * A plan from the cache, which costs nothing, or from the language model. While one generation asks, over all replicas,
 * others that want the same wait; when its call fails, one of them asks. A command that has ended with a failure ends with it
 * again: `attempt` is its step. Default: 1. `givesUp` says whether it ends with an error. Default: with one that is not retryable.
 */
export async function buyPlan(
  deps: PlanPurchaseDeps,
  generationId: string,
  job: Job,
  signal: AbortSignal,
  attempt = 1,
  givesUp: Command['givesUp'] = (error) => !error.retryable,
): Promise<{ plan: Plan; charges: Charge[] }> {
  const { cache, purchases: attempts, planModel } = deps;
  const known = (await attempts.list(generationId)).filter(({ value }) => value.kind === 'llm');
  rethrowPreviousFailure(known, attempt);
  const command: Command = { generationId, job, attempt, givesUp, fingerprint: fingerprintOf(job, planModel.model) };
  if (cache === undefined || job.cache === false) return askPlan(deps, command, known, signal);
  const isBought = known.some(({ value }) => value.status === 'finished');
  const acquired = await board(cache.leases, await planCacheRequest(cache, planModel.model, generationId, job), {
    signal,
    timeoutMs: isBought ? 0 : cache.timeoutMs,
    isSound: ({ answer }) => Promise.resolve(cachedPlan(job, answer) !== undefined),
  }).catch((error: unknown) => {
    throw error instanceof ClipmeshError ? withCharges(error, chargesFor(known)) : error;
  });
  if (acquired.kind === 'hit') {
    const plan = cachedPlan(job, acquired.entry.answer);
    if (plan === undefined) throw new ClipmeshError('INTERNAL', 'a cached answer is no plan');
    return { plan, charges: chargesFor(await findLostAnswers(deps, command, known)) };
  }
  try {
    const bought = await askPlan(deps, command, known, signal);
    await acquired.flight.land({ answer: bought.answer });
    return bought;
  } catch (error) {
    // A call that has ended without a plan leaves nothing to wait for.
    await acquired.flight.giveUp();
    throw error;
  }
}

function cachedPlan(job: Job, raw: unknown): Plan | undefined {
  const answer = storedAnswer(raw);
  return answer && planFromDraft(job, answer.draft);
}

/** A kept answer. One that an earlier version kept, and that does not fit today's schema, is mended; undefined: it cannot be. */
function storedAnswer(raw: unknown): PlanAnswer | undefined {
  const known = planAnswerSchema.safeParse(raw);
  if (known.success) return known.data;
  if (typeof raw !== 'object' || raw === null) return undefined;
  const repaired = repairPlan(JSON.stringify(raw));
  return repaired.kind === 'draft' ? planAnswerSchema.safeParse({ ...raw, draft: repaired.draft }).data : undefined;
}

/** Throws the failure with which the command of this step has ended, and what was paid for the plan. */
function rethrowPreviousFailure(known: readonly Versioned<Attempt>[], attempt: number): void {
  const end = known.find(({ value }) => value.gaveUp?.attempt === attempt)?.value.gaveUp;
  if (end !== undefined) throw new ClipmeshError(end.code, end.message, { retryable: false, charges: chargesFor(known) });
}

/** What was paid before may not have been told: its teller may have died. Told twice it is booked once. */
const chargesFor = (known: readonly Versioned<Attempt>[]): Charge[] => known.flatMap(({ value }) => value.charge ?? []);

/**
 * A plan from the language model. The answer is kept before the plan is announced, so that a planner that dies in
 * between does not ask, and pay, again; one that died before it had read its answer left it at the provider, where it is
 * looked for. A call that is under way goes on when the generation is canceled: it is paid for, and what it cost is to be
 * known. Errors carry everything that was paid for this plan.
 */
async function askPlan(
  deps: PlanPurchaseDeps,
  command: Command,
  before: readonly Versioned<Attempt>[],
  signal: AbortSignal,
): Promise<PurchasedPlan> {
  const { planModel, purchases: attempts } = deps;
  const { generationId, job, attempt, fingerprint } = command;
  const known = await findLostAnswers(deps, command, before);
  rethrowPreviousFailure(known, attempt);
  for (const { value } of known) {
    if (value.status !== 'finished' || value.fingerprint !== fingerprint) continue;
    const answer = storedAnswer(value.answer);
    const plan = answer && planFromDraft(job, answer.draft);
    if (answer !== undefined && plan !== undefined) return { plan, charges: chargesFor(known), answer };
  }
  signal.throwIfAborted();
  const hasMoreRoom = known.some(
    ({ value }) => value.failure === 'PLAN_TRUNCATED' && value.fingerprint === fingerprint,
  );
  const entry = await recordIntent(attempts, {
    key: `llm.${known.length + 1}`,
    generationId,
    kind: 'llm',
    status: 'intended',
    model: planModel.model,
    ...(planModel.quoteMicros === undefined ? {} : { quoteMicros: planModel.quoteMicros }),
    fingerprint,
    createdAt: now(),
    updatedAt: now(),
  });
  try {
    // Asked after the intent is written: either this sees the cancel, or the canceler sees the intent.
    if (await deps.isCanceled(generationId))
      throw new ClipmeshError('CANCELED', 'the generation was canceled before its plan was asked for');
    const answer = await planModel.draft(
      {
        prompt: job.prompt,
        durationSeconds: job.durationSeconds,
        aspectRatio: job.aspectRatio,
        ...planShape(job),
        hasMoreRoom,
      },
      callKey(entry),
      // Bounded by the model's own timeout.
      new AbortController().signal,
    );
    const bought = planOf(planModel, job, answer);
    await endPurchase(attempts, entry, { status: 'finished', answer, charge: bought.charges[0] });
    return { plan: bought.plan, charges: [...chargesFor(await findLostAnswers(deps, command, known)), ...bought.charges], answer };
  } catch (error) {
    if (!(error instanceof ClipmeshError)) throw error;
    const [charge] = error.charges;
    const isOver = charge !== undefined || !error.retryable || NOT_CHARGED.has(error.code);
    // With more room it is cut off again: the same question would be, too.
    const retryable = error.code === 'PLAN_TRUNCATED' && hasMoreRoom ? false : error.retryable;
    const ended = await endPurchase(attempts, entry, {
      status: isOver ? 'failed' : 'unanswered',
      ...(charge && { charge }),
      ...failureOf(error),
      ...(isOver && (!retryable || command.givesUp(error)) ? endOf(command, error) : {}),
    });
    // This one too: there may be no further try that would look for it.
    const charges = chargesFor(await findLostAnswers(deps, command, [...known, ended]));
    throw withCharges(error, charges, retryable);
  }
}

/** The same error, with what was paid for the plan. */
function withCharges(error: ClipmeshError, charges: readonly Charge[], retryable = error.retryable): ClipmeshError {
  const { code, message, retryAfterMs } = error;
  return new ClipmeshError(code, message, {
    cause: error,
    retryable,
    charges,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The key of a call at the provider. */
const callKey = ({ value }: Versioned<Attempt>): string => `${value.generationId}.${value.key}`;

/** The attempts, with what the provider shows by now of those whose answer nobody has read. */
async function findLostAnswers(
  { planModel, purchases: attempts, logger }: PlanPurchaseDeps,
  command: Command,
  known: readonly Versioned<Attempt>[],
): Promise<Versioned<Attempt>[]> {
  return Promise.all(
    known.map(async (entry) => {
      const { status, generationId, key } = entry.value;
      if (status !== 'intended' && status !== 'unanswered') return entry;
      try {
        const answer = await planModel.find(callKey(entry), AbortSignal.timeout(FIND_TIMEOUT_MS));
        if (answer === undefined) return entry;
        logger.info({ generationId, key, completionId: answer.completionId }, 'an answer that was lost is taken up');
        const { charges } = planOf(planModel, command.job, answer);
        return await endPurchase(attempts, entry, { status: 'finished', answer, charge: charges[0] });
      } catch (error) {
        const charge = error instanceof ClipmeshError ? error.charges[0] : undefined;
        // The same question would be refused again, and paid for.
        const isEnd = isRefusal(error) && entry.value.fingerprint === command.fingerprint;
        const end = isEnd ? endOf(command, error) : {};
        if (charge !== undefined || isEnd)
          return endPurchase(attempts, entry, {
            status: 'failed',
            ...(charge && { charge }),
            ...failureOf(error),
            ...end,
          });
        // It stays in doubt: the next try looks again.
        logger.warn({ err: error, generationId, key }, 'a lost answer could not be looked for');
        return entry;
      }
    }),
  );
}

const isRefusal = (error: unknown): error is ClipmeshError =>
  error instanceof ClipmeshError && error.code === 'PREDICTION_REFUSED';

/** The end of a command: delivered again, it ends with the same failure and asks for nothing. */
const endOf = ({ attempt }: Command, { code, message }: ClipmeshError): Pick<Attempt, 'gaveUp'> => ({
  gaveUp: { attempt, code, message },
});

/** What the next try of the plan has to know of a failed one. */
const failureOf = (error: unknown): Pick<Attempt, 'failure'> =>
  error instanceof ClipmeshError && error.code === 'PLAN_TRUNCATED' ? { failure: error.code } : {};

/** Ends an attempt; one that another planner has ended meanwhile stays as that has left it. */
async function endPurchase(
  attempts: AttemptStore,
  entry: Versioned<Attempt>,
  change: Partial<Attempt>,
): Promise<Versioned<Attempt>> {
  try {
    return await attempts.save({ ...entry.value, ...change, updatedAt: now() }, entry.revision);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return (await attempts.get(entry.value.generationId, entry.value.key)) ?? entry;
  }
}

/** Another planner may have counted the same; each of the two asks under a key of its own. */
async function recordIntent(attempts: AttemptStore, attempt: Attempt): Promise<Versioned<Attempt>> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempts.create({ ...attempt, key: count === 1 ? attempt.key : `${attempt.key}.${count}` });
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
  }
}

function planOf(planModel: PlanModel, job: Job, answer: PlanAnswer): { plan: Plan; charges: [Charge] } {
  const plan = planFromDraft(job, answer.draft);
  const charge = planModel.charge(answer, plan === undefined ? 'failed' : 'succeeded');
  if (plan !== undefined) return { plan, charges: [charge] };
  throw new ClipmeshError(
    'PROVIDER_BAD_ANSWER',
    `the model's plan does not have the ${planShape(job).sceneCount} scenes that were asked for`,
    { charges: [charge] },
  );
}
