import { createHash } from 'node:crypto';
import {
  type GenerationRecord,
  message,
  type Plan,
  PlanApproved,
  planEditSchema,
  planSchema,
} from '@clipmesh/contracts';
import { ConflictError } from '@clipmesh/persistence';
import { estimateScene, isReviewed } from '@clipmesh/pipeline';
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { type AcceptedView, acceptedView } from './api.schemas.js';
import { refuseLowCap } from './budget.js';
import { ApiJsonResponse, ApiProblems } from './docs.module.js';
import { findOwned, findOwnedEntry, GATEWAY_DEPS, type GatewayDeps, requireOwner } from './gateway.parts.js';
import { acceptedOf } from './generation.view.js';
import { parseBody } from './job.builder.js';
import { applyPlanEdit } from './plan.edit.js';
import { notReady, ProblemError, unavailable } from './problem.js';

/** Times a change is made again because the record was changed by somebody else. */
const MAX_CONFLICTS = 20;

const etagOf = (plan: Plan): string => `"${createHash('sha256').update(JSON.stringify(plan)).digest('hex')}"`;

/** The plan of a generation: read at any time, changed and approved while it waits for that. */
@ApiTags('plan')
@Controller('v1/generations')
export class ReviewController {
  constructor(@Inject(GATEWAY_DEPS) private readonly deps: GatewayDeps) {}

  @Get(':id/plan')
  @ApiOperation({ summary: 'Read the plan: style, scenes, texts' })
  @ApiJsonResponse(200, 'The plan; `ETag` names this state of it.', planSchema)
  @ApiProblems(401, 404, 409, 503)
  async plan(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Plan> {
    const { plan, status, failure } = (await findOwned(this.deps, id, authorization)).state;
    if (plan === undefined) throw notReady('plan', status, failure);
    response.set('ETag', etagOf(plan));
    return plan;
  }

  @Patch(':id/plan')
  @ApiOperation({ summary: 'Change the plan while it waits for its approval; what is not named stays' })
  @ApiHeader({ name: 'If-Match', required: false, description: 'Only when the plan is still the one of this `ETag`.' })
  @ApiJsonResponse(200, 'The plan as it is now.', planSchema)
  @ApiProblems(400, 401, 404, 409, 412, 413, 415, 503)
  async edit(
    @Param('id') id: string,
    @Body({ schema: planEditSchema }) body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Headers('if-match') match: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Plan> {
    requireOwner(this.deps, authorization);
    const edit = parseBody(planEditSchema, body);
    const { plan } = await this.change(id, authorization, (before) => {
      if (match !== undefined && match !== '*' && match !== etagOf(before))
        throw new ProblemError(
          412,
          'PLAN_CHANGED',
          'The plan was changed by then',
          'the plan is not the one of this If-Match any more; read it again',
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
  @ApiOperation({ summary: 'Approve the plan: the clips are made from it as it stands' })
  @ApiJsonResponse(202, 'Approved; the generation goes on.', acceptedView)
  @ApiProblems(401, 402, 404, 409, 503)
  async approve(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<AcceptedView> {
    const state = await this.change(
      id,
      authorization,
      (plan, { job, costMicros }) => {
        const clips = plan.scenes.reduce(
          (sum, scene) => sum + estimateScene(job.models, scene.durationSeconds).lowMicros,
          0,
        );
        refuseLowCap(costMicros + clips, job.maxCostMicros);
        return { approved: true };
      },
      ({ approved }) => approved === true,
    );
    // Published again for a client that asks again: the first request may have died in between.
    if (state.status === 'awaiting_approval')
      await this.deps.publish([message(PlanApproved, { generationId: id, at: new Date().toISOString(), charges: [] })]);
    return acceptedOf(id, state);
  }

  /**
   * Changes the state of a plan that waits for its user; a change of somebody else's in between is looked at first. One that
   * `isDone` finds changed already is left as it is.
   */
  private async change(
    id: string,
    authorization: string | undefined,
    decide: (plan: Plan, state: GenerationRecord['state']) => Partial<GenerationRecord['state']>,
    isDone: (state: GenerationRecord['state']) => boolean = () => false,
  ): Promise<GenerationRecord['state']> {
    const { generations } = this.deps.stores;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
      const { value, revision } = await findOwnedEntry(this.deps, id, authorization);
      const { state } = value;
      if (isDone(state)) return state;
      if (state.plan === undefined || !isReviewed(state)) throw notReviewed(state);
      const next = { ...state, ...decide(state.plan, state) };
      try {
        await generations.save({ ...value, updatedAt: new Date().toISOString(), state: next }, revision);
        return next;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
    throw unavailable('STORE_UNAVAILABLE', 'the generation is changed by others all the time; send the request again');
  }
}

function notReviewed({ status, approved, job }: GenerationRecord['state']): ProblemError {
  const why =
    approved === true
      ? 'its plan was approved already'
      : job.review === true
        ? 'only a plan that is awaiting_approval can be changed or approved'
        : 'it was asked for without "mode": "review"';
  return new ProblemError(
    409,
    'NOT_AWAITING_APPROVAL',
    'The plan does not wait for an approval',
    `the generation is ${status}; ${why}`,
    { extensions: { retryable: false } },
  );
}
