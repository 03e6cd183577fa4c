import { createHash } from 'node:crypto';
import { type Charge, ClipmeshError, type Job, type Plan } from '@clipmesh/contracts';
import { AlreadyExistsError, type Attempt, type AttemptStore, board, type Versioned } from '@clipmesh/persistence';
import { planFromDraft, planShape } from '@clipmesh/pipeline';
import { completionCharge, type PlanAnswer, planAnswerSchema, type PlanModel } from '@clipmesh/providers';
import { type PlanCache, planWish } from './plan.cache.js';

export interface PlanPurchaseParts {
  readonly planModel: PlanModel;
  readonly attempts: AttemptStore;
  /** Undefined: every plan is bought. */
  readonly cache: PlanCache | undefined;
}

const now = (): string => new Date().toISOString();
const fingerprintOf = (job: Job, model: string): string =>
  createHash('sha256')
    .update(JSON.stringify([model, job.prompt, job.durationSeconds, job.aspectRatio, planShape(job)]))
    .digest('hex');

interface Bought {
  readonly plan: Plan;
  readonly charges: Charge[];
  readonly answer: PlanAnswer;
}

/**
 * A plan from the cache, which costs nothing, or from the language model. While one generation asks, over all replicas,
 * others that want the same wait; when its call fails, one of them asks.
 */
export async function buyPlan(
  parts: PlanPurchaseParts,
  generationId: string,
  job: Job,
  signal: AbortSignal,
): Promise<{ plan: Plan; charges: Charge[] }> {
  const { cache, attempts, planModel } = parts;
  const known = (await attempts.list(generationId)).filter(({ value }) => value.kind === 'llm');
  if (cache === undefined || job.cache === false) return askPlan(parts, generationId, job, known, signal);
  const isKept = known.some(({ value }) => value.status === 'finished');
  const boarding = await board(cache.flights, planWish(cache, planModel.model, generationId, job), {
    signal,
    timeoutMs: isKept ? 0 : cache.timeoutMs,
    isSound: ({ answer }) => Promise.resolve(cachedPlan(job, answer) !== undefined),
  });
  if (boarding.kind === 'hit') {
    const plan = cachedPlan(job, boarding.entry.answer);
    if (plan === undefined) throw new ClipmeshError('INTERNAL', 'a cached answer is no plan');
    return { plan, charges: owedFor(known) };
  }
  try {
    const bought = await askPlan(parts, generationId, job, known, signal);
    await boarding.flight.land({ answer: bought.answer });
    return bought;
  } catch (error) {
    // A call that has ended without a plan leaves nothing to wait for.
    await boarding.flight.giveUp();
    throw error;
  }
}

function cachedPlan(job: Job, raw: unknown): Plan | undefined {
  const answer = planAnswerSchema.safeParse(raw);
  return answer.success ? planFromDraft(job, answer.data.draft) : undefined;
}

/** What was paid before may not have been told: its teller may have died. Told twice it is booked once. */
const owedFor = (known: readonly Versioned<Attempt>[]): Charge[] => known.flatMap(({ value }) => value.charge ?? []);

/**
 * A plan from the language model. The answer is kept before the plan is announced, so that a planner that dies in
 * between does not ask, and pay, again. A call that is under way goes on when the generation is canceled: it is paid for,
 * and what it cost is to be known. Errors carry everything that was paid for this plan.
 */
async function askPlan(
  { planModel, attempts }: PlanPurchaseParts,
  generationId: string,
  job: Job,
  known: readonly Versioned<Attempt>[],
  signal: AbortSignal,
): Promise<Bought> {
  const fingerprint = fingerprintOf(job, planModel.model);
  const owed = owedFor(known);
  const kept = known.find(({ value }) => value.status === 'finished' && value.fingerprint === fingerprint);
  if (kept !== undefined) {
    const answer = planAnswerSchema.parse(kept.value.answer);
    return { plan: planOf(job, answer).plan, charges: owed, answer };
  }
  signal.throwIfAborted();
  const entry = await intend(attempts, {
    key: `llm.${known.length + 1}`,
    generationId,
    kind: 'llm',
    status: 'intended',
    model: planModel.model,
    fingerprint,
    createdAt: now(),
    updatedAt: now(),
  });
  try {
    const answer = await planModel.draft(
      { prompt: job.prompt, durationSeconds: job.durationSeconds, aspectRatio: job.aspectRatio, ...planShape(job) },
      // Bounded by the model's own timeout.
      new AbortController().signal,
    );
    const bought = planOf(job, answer);
    await attempts.save(
      { ...entry.value, status: 'finished', answer, charge: bought.charges[0], updatedAt: now() },
      entry.revision,
    );
    return { plan: bought.plan, charges: [...owed, ...bought.charges], answer };
  } catch (error) {
    if (!(error instanceof ClipmeshError)) throw error;
    const [charge] = error.charges;
    await attempts.save(
      { ...entry.value, status: 'failed', ...(charge === undefined ? {} : { charge }), updatedAt: now() },
      entry.revision,
    );
    throw new ClipmeshError(error.code, error.message, {
      cause: error,
      retryable: error.retryable,
      charges: [...owed, ...error.charges],
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }
}

/** Another planner may have counted the same; each of the two asks under a key of its own. */
async function intend(attempts: AttemptStore, attempt: Attempt): Promise<Versioned<Attempt>> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempts.create({ ...attempt, key: count === 1 ? attempt.key : `${attempt.key}.${count}` });
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
  }
}

function planOf(job: Job, answer: PlanAnswer): { plan: Plan; charges: [Charge] } {
  const plan = planFromDraft(job, answer.draft);
  const charge = completionCharge(answer, plan === undefined ? 'failed' : 'succeeded');
  if (plan !== undefined) return { plan, charges: [charge] };
  throw new ClipmeshError(
    'PROVIDER_BAD_ANSWER',
    `the model's plan does not have the ${planShape(job).sceneCount} scenes that were asked for`,
    { charges: [charge] },
  );
}
