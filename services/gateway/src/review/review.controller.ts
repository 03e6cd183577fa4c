import { createHash } from 'node:crypto';
import {
  ContentionError,
  type GenerationRecord,
  message,
  type Plan,
  PlanApproved,
  type PlanEdit,
  planEditSchema,
  planSchema,
  retryOnConflict,
} from '@clipmesh/contracts';
import { type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { estimateScene, type ModelTable } from '@clipmesh/billing';
import { isReviewed } from '@clipmesh/pipeline';
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { refuseLowCap } from '../billing/budget.problems.js';
import { acceptedOf } from '../generations/generation.view.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { type AcceptedView, acceptedView } from '../http/api.schemas.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { notReady, ProblemError, unavailable } from '../http/problems/problem.js';
import { MODELS, PUBLISH, STORES } from '../runtime/runtime.tokens.js';
import { applyPlanEdit } from './plan.edit.js';

const etagOf = (plan: Plan): string => `"${createHash('sha256').update(JSON.stringify(plan)).digest('hex')}"`;

/** Reads the plan of a generation, and changes and approves it while it waits for approval. */
@ApiTags('plan')
@Controller('v1/generations')
export class ReviewController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(STORES) private readonly stores: Pick<Stores, 'generations'>,
    @Inject(PUBLISH) private readonly publish: Publish,
    @Inject(MODELS) private readonly models: ModelTable,
  ) {}

  @Get(':id/plan')
  @ApiOperation({ summary: 'Get the plan: style, scenes, texts' })
  @ApiJsonResponse(200, 'The plan. `ETag` is its version.', planSchema)
  @ApiProblems(401, 404, 409, 503)
  async plan(
    @Param('id') id: string,
    @Owner() owner: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Plan> {
    const { plan, status, failure } = (await this.owned.find(id, owner)).state;
    if (plan === undefined) throw notReady('plan', status, failure);
    response.set('ETag', etagOf(plan));
    return plan;
  }

  @Patch(':id/plan')
  @ApiOperation({ summary: 'Change the plan while it waits for approval; omitted fields stay as they are' })
  @ApiHeader({ name: 'If-Match', required: false, description: 'Change the plan only if it still has this `ETag`.' })
  @ApiJsonResponse(200, 'The changed plan.', planSchema)
  @ApiProblems(400, 401, 404, 409, 412, 413, 415, 503)
  async edit(
    @Param('id') id: string,
    @Body({ schema: planEditSchema }) edit: PlanEdit,
    @Owner() owner: string,
    @Headers('if-match') match: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Plan> {
    const { plan } = await this.change(id, owner, (before) => {
      if (match !== undefined && match !== '*' && match !== etagOf(before))
        throw new ProblemError(
          412,
          'PLAN_CHANGED',
          'The plan has changed',
          'the plan no longer matches this If-Match; read it again',
          { extensions: { retryable: false } },
        );
      return { plan: applyPlanEdit(before, edit) };
    });
    if (plan === undefined) throw notReady('plan', 'awaiting_approval');
    response.set('ETag', etagOf(plan));
    return plan;
  }

  @Post(':id/approve')
  @HttpCode(202)
  @ApiOperation({ summary: 'Approve the plan and continue with the clips' })
  @ApiJsonResponse(202, 'Approved. The generation continues.', acceptedView)
  @ApiProblems(401, 402, 404, 409, 503)
  async approve(@Param('id') id: string, @Owner() owner: string): Promise<AcceptedView> {
    const state = await this.change(
      id,
      owner,
      (plan, { job, costMicros }) => {
        const clips = plan.scenes.reduce(
          (sum, scene) => sum + estimateScene(this.models, job, scene.durationSeconds).lowMicros,
          0,
        );
        refuseLowCap(costMicros + clips, job.maxCostMicros);
        return { approved: true };
      },
      ({ approved }) => approved === true,
    );
    // A repeated request publishes again: the first one may have crashed before it published.
    if (state.status === 'awaiting_approval')
      await this.publish([message(PlanApproved, { generationId: id, at: new Date().toISOString(), charges: [] })]);
    return acceptedOf(id, state);
  }

  /**
   * Changes the state of a plan that waits for approval. On a conflict it reads the record again and repeats. Returns the state
   * unchanged when `isDone`.
   */
  private async change(
    id: string,
    owner: string,
    decide: (plan: Plan, state: GenerationRecord['state']) => Partial<GenerationRecord['state']>,
    isDone: (state: GenerationRecord['state']) => boolean = () => false,
  ): Promise<GenerationRecord['state']> {
    const { generations } = this.stores;
    return retryOnConflict(`generation ${id}`, async () => {
      const { value, revision } = await this.owned.findEntry(id, owner);
      const { state } = value;
      if (isDone(state)) return state;
      if (state.plan === undefined || !isReviewed(state)) throw notReviewed(state);
      const next = { ...state, ...decide(state.plan, state) };
      await generations.save({ ...value, updatedAt: new Date().toISOString(), state: next }, revision);
      return next;
    }).catch((error: unknown) => {
      if (!(error instanceof ContentionError)) throw error;
      throw unavailable('STORE_UNAVAILABLE', 'other requests keep changing the generation; retry the request', error);
    });
  }
}

function notReviewed({ status, approved, job }: GenerationRecord['state']): ProblemError {
  const why =
    approved === true
      ? 'its plan is already approved'
      : job.review === true
        ? 'only a plan that is awaiting_approval can be changed or approved'
        : 'it was created without "mode": "review"';
  return new ProblemError(
    409,
    'NOT_AWAITING_APPROVAL',
    'The plan does not wait for approval',
    `the generation is ${status}; ${why}`,
    { extensions: { retryable: false } },
  );
}
