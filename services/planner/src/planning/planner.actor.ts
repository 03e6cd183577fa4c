import {
  type Charge,
  ClipmeshError,
  GenerationPlan,
  type GenerationPlanBody,
  message,
  type Outgoing,
  type Plan,
  PlanFailed,
  PlanStarted,
  PlanWritten,
  toFailure,
  WorkRetried,
} from '@clipmesh/contracts';
import { type HandlerContext, Inbox, type Publish } from '@clipmesh/messaging';
import { planFromTemplate, withScript } from '@clipmesh/pipeline';
import { ATTR, type Log, withSpan } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';
import { buyPlan, type PlanPurchaseDeps } from '@clipmesh/purchasing';

export const PLANNER_DEPS = Symbol('PLANNER_DEPS');
export interface PlannerDeps {
  /** Undefined: plans come from templates. */
  readonly purchase: PlanPurchaseDeps | undefined;
  readonly publish: Publish;
  readonly logger: Log;
}

const now = (): string => new Date().toISOString();
const chargesOf = (error: unknown): Charge[] => (error instanceof ClipmeshError ? [...error.charges] : []);

@Controller()
export class PlannerActor {
  constructor(@Inject(PLANNER_DEPS) private readonly deps: PlannerDeps) {}

  @Inbox({
    inbox: 'planner',
    message: GenerationPlan,
    stage: 'planning',
    failed: ({ generationId, attempt }: GenerationPlanBody, { error }: { error: unknown }): Outgoing[] => [
      message(PlanFailed, {
        generationId,
        attempt,
        at: now(),
        charges: chargesOf(error),
        failure: toFailure(error, { stage: 'llm' }),
      }),
    ],
    retried: ({ generationId }: GenerationPlanBody, { error, ...retry }): Outgoing[] => [
      message(WorkRetried, {
        generationId,
        at: now(),
        charges: chargesOf(error),
        failure: toFailure(error, { stage: 'llm' }),
        ...retry,
      }),
    ],
  })
  async receive(body: GenerationPlanBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    const { generationId, attempt, job } = body;
    await this.deps.publish([message(PlanStarted, { generationId, attempt, at: now(), charges: [] })]);
    const { plan: written, charges } = await this.write(body, context);
    const plan = withScript(written, job.voiceover?.script);
    this.deps.logger.info(
      { generationId, source: plan.source, scenes: plan.scenes.length, durationSeconds: plan.durationSeconds },
      'plan written',
    );
    return [message(PlanWritten, { generationId, attempt, at: now(), charges, plan })];
  }

  private async write(
    { generationId, attempt, job }: GenerationPlanBody,
    { signal, isLastTry: givesUp }: HandlerContext,
  ): Promise<{ plan: Plan; charges: Charge[] }> {
    const { purchase } = this.deps;
    if (purchase !== undefined) return buyPlan(purchase, generationId, job, signal, attempt, givesUp);
    const plan = await withSpan('clipmesh.planner', 'plan from template', { [ATTR.stage]: 'planning' }, () =>
      Promise.resolve(planFromTemplate(job)),
    );
    return { plan, charges: [] };
  }
}
