import { createHash } from 'node:crypto';
import { type Charge, ClipmeshError, type Job, type Plan } from '@clipmesh/contracts';
import { AlreadyExistsError, type Attempt, type AttemptStore, type Versioned } from '@clipmesh/persistence';
import { planFromDraft, planShape } from '@clipmesh/pipeline';
import { completionCharge, type PlanAnswer, planAnswerSchema, type PlanModel } from '@clipmesh/providers';

export interface PlanPurchaseParts {
  readonly planModel: PlanModel;
  readonly attempts: AttemptStore;
}

const now = (): string => new Date().toISOString();
const fingerprintOf = (job: Job, model: string): string =>
  createHash('sha256')
    .update(JSON.stringify([model, job.prompt, job.durationSeconds, job.aspectRatio, planShape(job)]))
    .digest('hex');

/**
 * A plan from the language model. The answer is kept before the plan is announced, so that a planner that dies in
 * between does not ask, and pay, again. A call that is under way goes on when the generation is canceled: it is paid for,
 * and what it cost is to be known. Errors carry everything that was paid for this plan.
 */
export async function buyPlan(
  { planModel, attempts }: PlanPurchaseParts,
  generationId: string,
  job: Job,
  signal: AbortSignal,
): Promise<{ plan: Plan; charges: Charge[] }> {
  const fingerprint = fingerprintOf(job, planModel.model);
  const known = (await attempts.list(generationId)).filter(({ value }) => value.kind === 'llm');
  // What was paid before may not have been told: its teller may have died. Told twice it is booked once.
  const owed = known.flatMap(({ value }) => value.charge ?? []);
  const kept = known.find(({ value }) => value.status === 'finished' && value.fingerprint === fingerprint);
  if (kept !== undefined) return { plan: planOf(job, planAnswerSchema.parse(kept.value.answer)).plan, charges: owed };
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
    return { plan: bought.plan, charges: [...owed, ...bought.charges] };
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
