import { type GenerationRecord, type GenerationState, isDraft, isDrafted, isFinal } from '@clipmesh/contracts';
import { type CostSummaryAnswer } from '@clipmesh/messaging';
import { estimateScene, type ModelTable } from '@clipmesh/billing';
import { isReviewed, progressOf, runJob } from '@clipmesh/pipeline';
import { dollars } from '../billing/dollars.js';
import { type AcceptedView, type CostView, type GenerationView } from '../http/api.schemas.js';
import { triesOf } from './scene.tries.js';

/** Links for clients, relative to the gateway's origin. */
export type Links = Record<string, string> & { readonly self: string };

/** The status and stage for clients. An approved plan no longer waits for its user. */
export function presentOf(state: GenerationState): Pick<GenerationState, 'status' | 'stage'> {
  const isApproved = state.status === 'awaiting_approval' && state.approved === true;
  return isApproved ? { status: 'generating', stage: 'clip' } : { status: state.status, stage: state.stage };
}

/** The links of a generation: resources that exist and actions that are possible in its current state. */
export function linksOf(id: string, state: GenerationState): Links {
  const self = `/v1/generations/${id}`;
  const { status } = presentOf(state);
  const hasVideo = (state.result ?? state.previousResult) !== undefined;
  const offers: readonly (readonly [name: string, isOffered: boolean, path?: string])[] = [
    ['plan', state.plan !== undefined],
    ['events', true],
    ['video', hasVideo],
    ['thumbnail', hasVideo],
    ['captions', state.plan !== undefined && state.result !== undefined, 'captions.vtt'],
    ['cost', true],
    ['performance', isFinal(status) || isDrafted(state)],
    ['approve', isReviewed(state)],
    ['cancel', !isFinal(status)],
    ['retry', status === 'failed'],
  ];
  return {
    self,
    ...Object.fromEntries(
      offers.filter(([, isOffered]) => isOffered).map(([name, , path = name]) => [name, `${self}/${path}`]),
    ),
  };
}

/** A generation as the API returns it. */
export function viewOf(
  { id, createdAt, traceId, state, performance }: GenerationRecord,
  models: ModelTable,
): GenerationView {
  const { failure, plan } = state;
  const result = state.result ?? state.previousResult;
  const { models: offered } = runJob(state);
  return {
    id,
    ...presentOf(state),
    progress: progressOf(state),
    run: state.run,
    parallel: {
      window: state.window,
      ...(state.fallback === undefined
        ? {}
        : { fallback: { reason: state.fallback.code, from: state.fallback.window, at: state.fallback.at } }),
    },
    createdAt,
    ...(state.finishedAt === undefined || !isFinal(state.status) ? {} : { finishedAt: state.finishedAt }),
    ...(isDraft(state) ? { draft: true as const } : {}),
    ...(failure === undefined ? {} : { error: { ...failure, traceId } }),
    ...(plan === undefined ? {} : { plan }),
    incidents: state.incidents.map(({ id: _event, ...incident }) => incident),
    scenes: state.scenes.map((scene) => ({
      index: scene.index,
      status: scene.status,
      attempts: triesOf(state, scene),
      model: offered[scene.modelIndex],
      ...(scene.predictionId === undefined ? {} : { predictionId: scene.predictionId }),
      cached: scene.cached,
      costUsd: dollars(scene.costMicros),
      ...(scene.warnings === undefined ? {} : { warnings: scene.warnings }),
      ...(scene.failure === undefined || scene.status === 'waiting' ? {} : { error: scene.failure }),
    })),
    ...(result === undefined
      ? {}
      : {
          result: {
            durationSeconds: result.durationSeconds,
            width: result.width,
            height: result.height,
            bytes: result.video.bytes,
            sha256: result.video.sha256,
            ...(result.draft === true ? { draft: true as const } : {}),
          },
        }),
    costUsd: dollars(state.costMicros),
    ...(state.job.maxCostMicros === undefined ? {} : { maxCostUsd: dollars(state.job.maxCostMicros) }),
    ...(plan === undefined
      ? {}
      : {
          estimate: plan.scenes.map(({ index, durationSeconds }) => {
            const { lowMicros, highMicros } = estimateScene(models, state.job, durationSeconds);
            return { index, lowUsd: dollars(lowMicros), highUsd: dollars(highMicros) };
          }),
        }),
    ...(performance === undefined ? {} : { performance }),
    ...(state.job.metadata === undefined ? {} : { metadata: state.job.metadata }),
    traceId,
    links: linksOf(id, state),
  };
}

/** The response to an accepted request: the status and links of its generation. */
export function acceptedOf(id: string, state: GenerationState): AcceptedView & { readonly links: Links } {
  return { id, status: presentOf(state).status, links: linksOf(id, state) };
}

/** A generation's cost as the API returns it, in dollars. */
export function costViewOf(id: string, { totalMicros, entries }: CostSummaryAnswer): CostView {
  return {
    id,
    totalUsd: dollars(totalMicros),
    entries: entries.map(({ amountMicros, ...entry }) => ({ ...entry, amountUsd: dollars(amountMicros) })),
  };
}
