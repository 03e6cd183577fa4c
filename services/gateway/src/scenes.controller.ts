import { randomInt } from 'node:crypto';
import {
  cutText,
  type GenerationRecord,
  message,
  messageId,
  type Plan,
  type SceneEdit,
  sceneEditSchema,
  SceneReopened,
} from '@clipmesh/contracts';
import { ConflictError } from '@clipmesh/persistence';
import { committedBy, estimateScene, isBeyondCap, isReopenable, reopenScene } from '@clipmesh/pipeline';
import { currentTraceparent } from '@clipmesh/tracing';
import { Body, Controller, Headers, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type AcceptedView, acceptedView } from './api.schemas.js';
import { refuseLowCap, refuseOverBudget } from './budget.js';
import { Answers, Refuses } from './docs.module.js';
import { findOwnedEntry, GATEWAY_PARTS, type GatewayParts } from './gateway.parts.js';
import { announce, reserveFor } from './generation.start.js';
import { acceptedOf } from './generation.view.js';
import { parseBody } from './job.builder.js';
import { edited } from './plan.edit.js';
import { ProblemError } from './problem.js';

const SEED_LIMIT = 2_147_483_647;

/** One scene of a film, made anew. */
@ApiTags('plan')
@Controller('v1/generations')
export class ScenesController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Post(':id/scenes/:scene/regenerate')
  @HttpCode(202)
  @ApiOperation({ summary: 'Make one scene of an ended generation anew; all others, and what they cost, stay' })
  @Answers(202, 'The next run has begun.', acceptedView)
  @Refuses(400, 401, 402, 404, 409, 413, 415, 503)
  async regenerate(
    @Param('id') id: string,
    @Param('scene') scene: string,
    @Body({ schema: sceneEditSchema }) body: unknown,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<AcceptedView> {
    const found = await findOwnedEntry(this.parts, id, authorization);
    const edit = parseBody(sceneEditSchema, body);
    const index = sceneOf(found.value, scene);
    await this.refuseRunning(found.value);
    const plan = planFor(found.value, index, edit);
    const seed = seedFor(edit);
    const { job, costMicros } = found.value.state;
    const seconds = plan.scenes[index]?.durationSeconds ?? 0;
    if (seed !== undefined) refuseLowCap(costMicros + estimateScene(job.models, seconds).lowMicros, job.maxCostMicros);

    const at = new Date().toISOString();
    const event = message(SceneReopened, {
      generationId: id,
      at,
      charges: [],
      run: found.value.state.run + 1,
      scene: index,
    });
    const state = reopenScene(found.value.state, { scene: index, plan, seed }, messageId(SceneReopened, event.body));
    if (isBeyondCap(state, index))
      refuseLowCap(committedBy(found.value.state) + estimateScene(job.models, seconds).lowMicros, job.maxCostMicros);
    const record = { ...traced(found.value), updatedAt: at, state };
    await this.begin(found.value, record, found.revision);
    await announce(this.parts, [event], id);
    return acceptedOf(id, state);
  }

  /**
   * Begins the run: reserves its money, then stores it. A request that dies in between, or has no money, leaves the
   * generation as it was; the sweeper releases what was reserved. The write before the reservation is a fence: it shows the
   * sweeper that the run is being begun, and a sweeper that takes the reservation for a leftover makes the last write fail.
   */
  private async begin(former: GenerationRecord, record: GenerationRecord, revision: string): Promise<void> {
    let before = revision;
    if (this.parts.budget !== undefined && record.account !== undefined) {
      await reserveFor(this.parts, record, record.state.run, refuseOverBudget);
      before = await this.save({ ...former, updatedAt: record.updatedAt }, revision);
      await reserveFor(this.parts, record, record.state.run);
    }
    await this.save(record, before);
  }

  private async save(record: GenerationRecord, revision: string): Promise<string> {
    try {
      return (await this.parts.stores.generations.save(record, revision)).revision;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      throw running('it was changed by another request just now; read it again');
    }
  }

  private async refuseRunning({ id, state }: GenerationRecord): Promise<void> {
    if (!isReopenable(state)) {
      const ended = state.status === 'failed' || state.status === 'canceled';
      throw running(
        ended
          ? `it is ${state.status} and has no scene to make anew`
          : `it is ${state.status}; a scene is made anew once it has ended`,
      );
    }
    // A cancel that came as it ended: every command of another run would be dropped.
    if (await this.parts.cancellations.check(id)) throw running('it was canceled as it ended; ask for a new one');
  }
}

const running = (why: string): ProblemError =>
  new ProblemError(409, 'NOT_REGENERABLE', 'The scene cannot be made anew now', `the generation: ${why}`, {
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
  if (state.plan === undefined) throw running('it has no plan');
  // Of a whole plan only its length can be wrong then.
  return edited(
    state.plan,
    { scenes: [{ index, ...change }] },
    (field) => field.replace(/^scenes(\.0\.)?/, '') || 'durationSeconds',
  );
}

/** Of the new clip. Where nothing but the text changes the clip stays. */
function seedFor({ seed, overlay, description, durationSeconds }: SceneEdit): number | undefined {
  if (seed !== undefined) return seed;
  const onlyText = overlay !== undefined && description === undefined && durationSeconds === undefined;
  return onlyText ? undefined : randomInt(0, SEED_LIMIT);
}

/** The record with the trace of the run that begins; the summary was of the film before. */
function traced({ performance: _former, ...record }: GenerationRecord): GenerationRecord {
  const traceparent = currentTraceparent();
  const traceId = traceparent?.split('-')[1];
  if (traceparent === undefined || traceId === undefined) return record;
  return { ...record, traceId, traceparent, earlierTraceIds: [...(record.earlierTraceIds ?? []), record.traceId] };
}
