import { randomInt } from 'node:crypto';
import {
  cutText,
  type GenerationRecord,
  message,
  messageId,
  type Outgoing,
  type Plan,
  type SceneEdit,
  sceneEditSchema,
  SceneReopened,
} from '@clipmesh/contracts';
import { type Cancellations, type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { canRegenerate, committedBy, exceedsCap, regenerateScene } from '@clipmesh/pipeline';
import { type BudgetRules, estimateScene, type ModelTable } from '@clipmesh/billing';
import { Body, Controller, HttpCode, Inject, Param, Post, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { BUDGET } from '../billing/billing.tokens.js';
import { refuseLowCap } from '../billing/budget.problems.js';
import { publishStart } from '../generations/generation.start.js';
import { acceptedOf } from '../generations/generation.view.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { startRun, withTrace } from '../generations/run.start.js';
import { type AcceptedView, acceptedView } from '../http/api.schemas.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { ProblemError } from '../http/problems/problem.js';
import { CANCELLATIONS, type Logger, LOGGER, MODELS, PUBLISH, STORES } from '../runtime/runtime.tokens.js';
import { OwnedGuard } from './owned.guard.js';
import { applyPlanEdit } from './plan.edit.js';

const SEED_LIMIT = 2_147_483_647;

/** A request to regenerate a scene. */
interface Regenerate {
  /** The scene index from the path. */
  readonly scene: string;
  readonly edit: SceneEdit;
  /** Seed of the new clip. Default: the clip stays. */
  readonly seed: number | undefined;
}
interface Next {
  readonly record: GenerationRecord;
  readonly event: Outgoing;
}

/** Regenerates one scene of a video. */
@ApiTags('plan')
@Controller('v1/generations')
export class ScenesController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(STORES) readonly stores: Pick<Stores, 'accounts' | 'generations'>,
    @Inject(PUBLISH) private readonly publish: Publish,
    @Inject(CANCELLATIONS) private readonly cancellations: Pick<Cancellations, 'check'>,
    @Inject(BUDGET) readonly budget: BudgetRules | undefined,
    @Inject(MODELS) private readonly models: ModelTable,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  @Post(':id/scenes/:scene/regenerate')
  // The 404 for a generation comes before the 400 for the body.
  @UseGuards(OwnedGuard)
  @HttpCode(202)
  @ApiOperation({ summary: 'Regenerate one scene of an ended generation; the others are kept and not charged again' })
  @ApiJsonResponse(202, 'The next run has started.', acceptedView)
  @ApiProblems(400, 401, 402, 404, 409, 413, 415, 503)
  async regenerate(
    @Param('id') id: string,
    @Param('scene') scene: string,
    @Body({ schema: sceneEditSchema }) edit: SceneEdit,
    @Owner() owner: string,
  ): Promise<AcceptedView> {
    const found = await this.owned.findEntry(id, owner);
    const seed = seedFor(edit);
    const request = { scene, edit, seed };
    let next = await this.next(found.value, request);
    if (!(await startRun(this, found, next.record))) {
      // The generation has changed since it was read. Try again: the change may not affect this run.
      const again = await this.owned.findEntry(id, owner);
      next = await this.next(again.value, request);
      if (!(await startRun(this, again, next.record)))
        throw notRegenerable('another request has just changed it; read it again');
    }
    const { publish, logger } = this;
    await publishStart({ publish, logger }, [next.event], id);
    return acceptedOf(id, next.record.state);
  }

  /** The record with its next run, and the event that starts the run. Throws a 402, 404 or 409 when no run is possible. */
  private async next(previous: GenerationRecord, { scene, edit, seed }: Regenerate): Promise<Next> {
    const index = sceneOf(previous, scene);
    await this.refuseRunning(previous);
    const plan = planFor(previous, index, edit);
    const { job, costMicros } = previous.state;
    const { lowMicros } = estimateScene(this.models, job, plan.scenes[index]?.durationSeconds ?? 0);
    if (seed !== undefined) refuseLowCap(costMicros + lowMicros, job.maxCostMicros);

    const at = new Date().toISOString();
    const event = message(SceneReopened, {
      generationId: previous.id,
      at,
      charges: [],
      run: previous.state.run + 1,
      scene: index,
    });
    const change = { scene: index, plan, seed };
    const state = regenerateScene(previous.state, change, messageId(SceneReopened, event.body), this.models);
    if (exceedsCap(state, index)) refuseLowCap(committedBy(previous.state) + lowMicros, job.maxCostMicros);
    return { record: { ...withTrace(previous), updatedAt: at, state }, event };
  }

  private async refuseRunning({ id, state }: GenerationRecord): Promise<void> {
    if (!canRegenerate(state)) {
      const ended = state.status === 'failed' || state.status === 'canceled';
      throw notRegenerable(
        ended
          ? `it is ${state.status} and has no scene to regenerate`
          : `it is ${state.status}; you can regenerate a scene once it has ended`,
      );
    }
    // Canceled while it ended: every command of another run would be dropped.
    if (await this.cancellations.check(id)) throw notRegenerable('it was canceled as it ended; create a new one');
  }
}

const notRegenerable = (why: string): ProblemError =>
  new ProblemError(409, 'NOT_REGENERABLE', 'The scene cannot be regenerated now', `the generation: ${why}`, {
    extensions: { retryable: false },
  });

function sceneOf({ state }: GenerationRecord, text: string): number {
  const index = /^\d{1,2}$/.test(text) ? Number(text) : -1;
  const last = (state.plan?.scenes.length ?? 0) - 1;
  if (index >= 0 && index <= last) return index;
  throw new ProblemError(
    404,
    'SCENE_NOT_FOUND',
    'No such scene',
    last < 0
      ? 'the generation has no plan yet'
      : `there is no scene ${cutText(text, 20)}; the plan has scenes 0-${last}`,
  );
}

function planFor({ state }: GenerationRecord, index: number, { seed: _seed, ...change }: SceneEdit): Plan {
  if (state.plan === undefined) throw notRegenerable('it has no plan');
  // Of a complete plan, only the total duration can become invalid.
  return applyPlanEdit(
    state.plan,
    { scenes: [{ index, ...change }] },
    (field) => field.replace(/^scenes(\.0\.)?/, '') || 'durationSeconds',
  );
}

/** Seed of the new clip. Undefined when the text, the script or the transition changes and nothing else: the clip stays. */
function seedFor({ seed, description, durationSeconds, ...around }: SceneEdit): number | undefined {
  if (seed !== undefined) return seed;
  const changes = Object.values(around).some((change) => change !== undefined);
  const keepsClip = changes && description === undefined && durationSeconds === undefined;
  return keepsClip ? undefined : randomInt(0, SEED_LIMIT);
}
