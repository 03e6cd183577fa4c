import { createHash } from 'node:crypto';
import {
  ContentionError,
  type GenerationRecord,
  type GenerationState,
  message,
  type Outgoing,
  type Plan,
  PlanApproved,
  type PlanEdit,
  planEditSchema,
  planSchema,
  retryOnConflict,
} from '@clipmesh/contracts';
import { isEditable } from '@clipmesh/pipeline';
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { refuseLowCap } from '../billing/budget.problems.js';
import { publishStart } from '../generations/generation.start.js';
import { acceptedOf } from '../generations/generation.view.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { type AcceptedView, acceptedView } from '../http/api.schemas.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { notReady, ProblemError, unavailable } from '../http/problems/problem.js';
import { type DraftReviewDeps, lowestClips, startApproved, withPlan } from './draft.review.js';
import { applyPlanEdit } from './plan.edit.js';
import { notReviewed } from './review.problems.js';

const etagOf = (plan: Plan): string => `"${createHash('sha256').update(JSON.stringify(plan)).digest('hex')}"`;

/** Token of {@link DraftReviewDeps}. */
export const DRAFT_REVIEW = Symbol('DRAFT_REVIEW');

/** A changed record. `event` starts its next run. */
interface Change {
  readonly record: GenerationRecord;
  readonly event?: Outgoing;
}

/** Reads the plan of a generation, and changes and approves it while it waits for approval. */
@ApiTags('plan')
@Controller('v1/generations')
export class ReviewController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(DRAFT_REVIEW) private readonly drafts: DraftReviewDeps,
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
  @ApiOperation({ summary: 'Change the plan until it is approved; omitted fields stay as they are' })
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
    const { state } = await this.change(id, owner, (before, record) => {
      if (match !== undefined && match !== '*' && match !== etagOf(before))
        throw new ProblemError(
          412,
          'PLAN_CHANGED',
          'The plan has changed',
          'the plan no longer matches this If-Match; read it again',
          { extensions: { retryable: false } },
        );
      return withPlan(record, applyPlanEdit(before, edit), this.drafts.models);
    });
    const { plan } = state;
    if (plan === undefined) throw notReady('plan', 'awaiting_approval');
    response.set('ETag', etagOf(plan));
    return plan;
  }

  @Post(':id/approve')
  @HttpCode(202)
  @ApiOperation({ summary: 'Approve the plan or the draft, and continue with the clips' })
  @ApiJsonResponse(202, 'Approved. The generation continues.', acceptedView)
  @ApiProblems(401, 402, 404, 409, 503)
  async approve(@Param('id') id: string, @Owner() owner: string): Promise<AcceptedView> {
    const { job } = (await this.owned.find(id, owner)).state;
    if (job.draft === true) return acceptedOf(id, await unlessContended(startApproved(this.drafts, id, owner)));
    const { state } = await this.change(
      id,
      owner,
      (plan, record) => {
        const { costMicros } = record.state;
        refuseLowCap(costMicros + lowestClips(this.drafts.models, record.state, plan), job.maxCostMicros);
        return { record: { ...record, state: { ...record.state, approved: true } } };
      },
      ({ approved }) => approved === true,
    );
    // A repeated request publishes again: the first one may have crashed before it published.
    if (state.status === 'awaiting_approval')
      await this.drafts.publish([
        message(PlanApproved, { generationId: id, at: new Date().toISOString(), charges: [] }),
      ]);
    return acceptedOf(id, state);
  }

  /**
   * Changes the record of a plan that may still be changed. On a conflict it reads the record again and repeats. Returns the record
   * unchanged when `isDone`.
   */
  private async change(
    id: string,
    owner: string,
    decide: (plan: Plan, record: GenerationRecord) => Change,
    isDone: (state: GenerationState) => boolean = () => false,
  ): Promise<GenerationRecord> {
    const { publish, logger, stores } = this.drafts;
    const { record, event } = await unlessContended(
      retryOnConflict(`generation ${id}`, async (): Promise<Change> => {
        const { value, revision } = await this.owned.findEntry(id, owner);
        const { state } = value;
        if (isDone(state)) return { record: value };
        if (state.plan === undefined || !isEditable(state)) throw notReviewed(state);
        const next = decide(state.plan, value);
        await stores.generations.save({ ...next.record, updatedAt: new Date().toISOString() }, revision);
        return next;
      }),
    );
    if (event !== undefined) await publishStart({ publish, logger }, [event], id);
    return record;
  }
}

/** The result, or a 503 when other requests keep changing the record. */
async function unlessContended<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof ContentionError)) throw error;
    throw unavailable('STORE_UNAVAILABLE', 'other requests keep changing the generation; retry the request', error);
  }
}
