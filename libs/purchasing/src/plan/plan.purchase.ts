import { createHash } from 'node:crypto';
import { type Charge, ClipmeshError, type Job, type Plan, planShape } from '@clipmesh/contracts';
import {
  AlreadyExistsError,
  ConflictError,
  type Purchase,
  type PurchaseStore,
  type Versioned,
} from '@clipmesh/persistence';
import { acquire } from '../cache/single.flight.js';
import { NOT_CHARGED, withCharges } from '../charges/charged.errors.js';
import { planFromDraft, repairPlan } from '@clipmesh/pipeline';
import { type PlanAnswer, planAnswerSchema, type PlanModel } from '@clipmesh/providers';
import { type Log } from '@clipmesh/tracing';
import { type PlanCache, planCacheRequest } from './plan.cache.js';

export interface PlanPurchaseDeps {
  readonly planModel: PlanModel;
  readonly purchases: PurchaseStore;
  /** Undefined: every plan is bought. */
  readonly cache: PlanCache | undefined;
  readonly logger: Pick<Log, 'info' | 'warn'>;
  /** Whether the broker has a cancel of the generation from before this call. */
  readonly isCanceled: (generationId: string) => Promise<boolean>;
}

/** Timeout of the search for one answer, ms. */
const FIND_TIMEOUT_MS = 10_000;

const now = (): string => new Date().toISOString();
const fingerprintOf = (job: Job, model: string): string =>
  createHash('sha256')
    .update(JSON.stringify([model, job.prompt, job.durationSeconds, job.aspectRatio, planShape(job)]))
    .digest('hex');

/** A plan command. */
interface Command {
  readonly generationId: string;
  readonly job: Job;
  readonly step: number;
  readonly givesUp: (error: ClipmeshError) => boolean;
  readonly fingerprint: string;
}
interface PurchasedPlan {
  readonly plan: Plan;
  readonly charges: Charge[];
  readonly answer: PlanAnswer;
}

/**
 * Returns a plan from the cache, which is free, or buys it from the language model. While one generation buys it, others
 * that need the same plan wait, across replicas; when its call fails, one of them buys. A command that ended with a failure
 * throws it again. `step` is the step of the command. Default: 1. `givesUp` says whether the command ends with an error.
 * Default: when the error is not retryable.
 */
export async function buyPlan(
  deps: PlanPurchaseDeps,
  generationId: string,
  job: Job,
  signal: AbortSignal,
  step = 1,
  givesUp: Command['givesUp'] = (error) => !error.retryable,
): Promise<{ plan: Plan; charges: Charge[] }> {
  const { cache, purchases, planModel } = deps;
  const known = (await purchases.list(generationId)).filter(({ value }) => value.kind === 'llm');
  rethrowPreviousFailure(known, step);
  const command: Command = { generationId, job, step, givesUp, fingerprint: fingerprintOf(job, planModel.model) };
  if (cache === undefined || job.cache === false) return requestPlan(deps, command, known, signal);
  const isBought = known.some(({ value }) => value.status === 'finished');
  const acquired = await acquire(cache.leases, await planCacheRequest(cache, planModel.model, generationId, job), {
    signal,
    timeoutMs: isBought ? 0 : cache.timeoutMs,
    isValid: ({ answer }) => Promise.resolve(cachedPlan(job, answer) !== undefined),
  }).catch((error: unknown) => {
    throw error instanceof ClipmeshError ? withCharges(error, chargesFor(known)) : error;
  });
  if (acquired.kind === 'hit') {
    const plan = cachedPlan(job, acquired.entry.answer);
    if (plan === undefined) throw new ClipmeshError('INTERNAL', 'the cached answer is not a plan');
    return { plan, charges: chargesFor(await findLostAnswers(deps, command, known)) };
  }
  try {
    const bought = await requestPlan(deps, command, known, signal);
    await acquired.lease.complete({ answer: bought.answer });
    return bought;
  } catch (error) {
    // The call ended without a plan, so others need not wait.
    await acquired.lease.release();
    throw error;
  }
}

function cachedPlan(job: Job, raw: unknown): Plan | undefined {
  const answer = storedAnswer(raw);
  return answer && planFromDraft(job, answer.draft);
}

/** A stored answer. Repairs one that an earlier version stored in another schema; undefined when it cannot. */
function storedAnswer(raw: unknown): PlanAnswer | undefined {
  const known = planAnswerSchema.safeParse(raw);
  if (known.success) return known.data;
  if (typeof raw !== 'object' || raw === null) return undefined;
  const repaired = repairPlan(JSON.stringify(raw));
  return repaired.kind === 'draft' ? planAnswerSchema.safeParse({ ...raw, draft: repaired.draft }).data : undefined;
}

/** Throws the failure that ended the command of this step, with the charges of the plan. */
function rethrowPreviousFailure(known: readonly Versioned<Purchase>[], step: number): void {
  const end = known.find(({ value }) => value.gaveUp?.attempt === step)?.value.gaveUp;
  if (end !== undefined)
    throw new ClipmeshError(end.code, end.message, { retryable: false, charges: chargesFor(known) });
}

/** All earlier charges: a crash may have lost their events. Publishing one twice is safe: the ledger deduplicates by key. */
const chargesFor = (known: readonly Versioned<Purchase>[]): Charge[] =>
  known.flatMap(({ value }) => value.charge ?? []);

/**
 * Buys a plan from the language model. The answer is stored before the plan is published, so that a crash in between does
 * not buy again. After a crash before the answer was read, the answer is searched for at the provider. A cancel does not stop
 * a call in progress, as its charge must be recorded. Errors carry all charges of this plan.
 */
async function requestPlan(
  deps: PlanPurchaseDeps,
  command: Command,
  before: readonly Versioned<Purchase>[],
  signal: AbortSignal,
): Promise<PurchasedPlan> {
  const { planModel, purchases } = deps;
  const { generationId, job, step, fingerprint } = command;
  const known = await findLostAnswers(deps, command, before);
  rethrowPreviousFailure(known, step);
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
  const entry = await recordIntent(purchases, {
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
    // Checked after the intent is recorded: either this sees the cancel, or the canceler sees the intent.
    if (await deps.isCanceled(generationId))
      throw new ClipmeshError('CANCELED', 'the generation was canceled before its plan was bought');
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
    await endPurchase(purchases, entry, { status: 'finished', answer, charge: bought.charges[0] });
    return {
      plan: bought.plan,
      charges: [...chargesFor(await findLostAnswers(deps, command, known)), ...bought.charges],
      answer,
    };
  } catch (error) {
    if (!(error instanceof ClipmeshError)) throw error;
    const [charge] = error.charges;
    const isOver = charge !== undefined || !error.retryable || NOT_CHARGED.has(error.code);
    // It was truncated with more room too, so the same request would be again.
    const retryable = error.code === 'PLAN_TRUNCATED' && hasMoreRoom ? false : error.retryable;
    const ended = await endPurchase(purchases, entry, {
      status: isOver ? 'failed' : 'unanswered',
      ...(charge && { charge }),
      ...failureOf(error),
      ...(isOver && (!retryable || command.givesUp(error)) ? endOf(command, error) : {}),
    });
    // Searches for this answer too: there may be no further try to do so.
    const charges = chargesFor(await findLostAnswers(deps, command, [...known, ended]));
    throw withCharges(error, charges, retryable);
  }
}

/** The key of a call at the provider. */
const callKey = ({ value }: Versioned<Purchase>): string => `${value.generationId}.${value.key}`;

/** The purchases, after searching at the provider for the answers of those with an unknown outcome. */
async function findLostAnswers(
  { planModel, purchases, logger }: PlanPurchaseDeps,
  command: Command,
  known: readonly Versioned<Purchase>[],
): Promise<Versioned<Purchase>[]> {
  return Promise.all(
    known.map(async (entry) => {
      const { status, generationId, key } = entry.value;
      if (status !== 'intended' && status !== 'unanswered') return entry;
      try {
        const answer = await planModel.find(callKey(entry), AbortSignal.timeout(FIND_TIMEOUT_MS));
        if (answer === undefined) return entry;
        logger.info({ generationId, key, completionId: answer.completionId }, 'found a lost answer');
        const { charges } = planOf(planModel, command.job, answer);
        return await endPurchase(purchases, entry, { status: 'finished', answer, charge: charges[0] });
      } catch (error) {
        const charge = error instanceof ClipmeshError ? error.charges[0] : undefined;
        // The same request would be refused and charged again.
        const isEnd = isRefusal(error) && entry.value.fingerprint === command.fingerprint;
        const end = isEnd ? endOf(command, error) : {};
        if (charge !== undefined || isEnd)
          return endPurchase(purchases, entry, {
            status: 'failed',
            ...(charge && { charge }),
            ...failureOf(error),
            ...end,
          });
        // The outcome stays unknown: the next try searches again.
        logger.warn({ err: error, generationId, key }, 'could not search for a lost answer');
        return entry;
      }
    }),
  );
}

const isRefusal = (error: unknown): error is ClipmeshError =>
  error instanceof ClipmeshError && error.code === 'PREDICTION_REFUSED';

/** Records the end of a command: a redelivery throws the same failure and buys nothing. */
const endOf = ({ step }: Command, { code, message }: ClipmeshError): Pick<Purchase, 'gaveUp'> => ({
  gaveUp: { attempt: step, code, message },
});

/** The failure that the next try of the plan must know. */
const failureOf = (error: unknown): Pick<Purchase, 'failure'> =>
  error instanceof ClipmeshError && error.code === 'PLAN_TRUNCATED' ? { failure: error.code } : {};

/** Ends a purchase. Returns the stored one when another planner ended it first. */
async function endPurchase(
  purchases: PurchaseStore,
  entry: Versioned<Purchase>,
  change: Partial<Purchase>,
): Promise<Versioned<Purchase>> {
  try {
    return await purchases.save({ ...entry.value, ...change, updatedAt: now() }, entry.revision);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return (await purchases.get(entry.value.generationId, entry.value.key)) ?? entry;
  }
}

/** Records an intent. Another planner may use the same key at the same time, so the key gets a suffix after a conflict. */
async function recordIntent(purchases: PurchaseStore, purchase: Purchase): Promise<Versioned<Purchase>> {
  for (let count = 1; ; count += 1) {
    try {
      return await purchases.create({ ...purchase, key: count === 1 ? purchase.key : `${purchase.key}.${count}` });
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
    `the model's plan does not have the ${planShape(job).sceneCount} requested scenes`,
    { charges: [charge] },
  );
}
