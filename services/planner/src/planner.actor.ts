import {
  type Charge,
  ClipmeshError,
  GenerationPlan,
  type GenerationPlanBody,
  type Job,
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
import { completionCostMicros, planFromDraft, planFromTemplate, planShape } from '@clipmesh/pipeline';
import { type PlanModel } from '@clipmesh/providers';
import { ATTR, type createLogger, withSpan } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';

export const PLANNER_PARTS = Symbol('PLANNER_PARTS');
export interface PlannerParts {
  /** Absent: plans come from templates. */
  readonly planModel: PlanModel | undefined;
  readonly publish: Publish;
  readonly logger: ReturnType<typeof createLogger>;
}

const now = (): string => new Date().toISOString();
const chargesOf = (error: unknown): Charge[] => (error instanceof ClipmeshError ? [...error.charges] : []);

@Controller()
export class PlannerActor {
  constructor(@Inject(PLANNER_PARTS) private readonly parts: PlannerParts) {}

  @Inbox({
    inbox: 'planner',
    message: GenerationPlan,
    stage: 'planning',
    failed: ({ generationId }: GenerationPlanBody, { error }: { error: unknown }): Outgoing[] => [
      message(PlanFailed, {
        generationId,
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
  async receive({ generationId, job }: GenerationPlanBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    await this.parts.publish([message(PlanStarted, { generationId, at: now(), charges: [] })]);
    const { plan, charges } = await this.write(job, context);
    this.parts.logger.info(
      { generationId, source: plan.source, scenes: plan.scenes.length, durationSeconds: plan.durationSeconds },
      'plan written',
    );
    return [message(PlanWritten, { generationId, at: now(), charges, plan })];
  }

  private async write(job: Job, context: HandlerContext): Promise<{ plan: Plan; charges: Charge[] }> {
    const { planModel } = this.parts;
    if (planModel === undefined) {
      const plan = await withSpan('clipmesh.planner', 'plan from template', { [ATTR.stage]: 'planning' }, () =>
        Promise.resolve(planFromTemplate(job)),
      );
      return { plan, charges: [] };
    }
    const answer = await planModel.draft(
      { prompt: job.prompt, durationSeconds: job.durationSeconds, aspectRatio: job.aspectRatio, ...planShape(job) },
      context.signal,
    );
    const plan = planFromDraft(job, answer.draft);
    const charge: Charge = {
      key: `completion:${answer.completionId}`,
      kind: 'llm',
      stage: 'llm',
      provider: 'openai',
      model: answer.model,
      quantity: answer.inputTokens + answer.outputTokens,
      unit: 'token',
      amountMicros: completionCostMicros(answer.model, answer.inputTokens, answer.outputTokens),
      outcome: plan === undefined ? 'failed' : 'succeeded',
    };
    if (plan === undefined) {
      throw new ClipmeshError(
        'PROVIDER_BAD_ANSWER',
        `the model's plan does not have the ${planShape(job).sceneCount} scenes that were asked for`,
        {
          charges: [charge],
        },
      );
    }
    return { plan, charges: [charge] };
  }
}
