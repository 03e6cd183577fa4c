import { type GenerationRecord } from '@clipmesh/contracts';
import { type CostSummaryAnswer } from '@clipmesh/messaging';
import { estimateScene, progressOf } from '@clipmesh/pipeline';
import { type AcceptedView, type CostView, type GenerationView } from './api.schemas.js';

/** Micro-dollars to dollars with at most six decimals. */
export function dollars(micros: number): number {
  return micros / 1_000_000;
}

/** The links of a generation, relative to the gateway's origin. */
export function linksOf(id: string): Record<string, string> {
  const self = `/v1/generations/${id}`;
  return {
    self,
    plan: `${self}/plan`,
    events: `${self}/events`,
    video: `${self}/video`,
    thumbnail: `${self}/thumbnail`,
    captions: `${self}/captions.vtt`,
    cost: `${self}/cost`,
    performance: `${self}/performance`,
    approve: `${self}/approve`,
    cancel: `${self}/cancel`,
    retry: `${self}/retry`,
  };
}

/** A generation as the API shows it. */
export function viewOf({ id, createdAt, traceId, state, performance }: GenerationRecord): GenerationView {
  const { failure, plan } = state;
  const result = state.result ?? state.former;
  return {
    id,
    status: state.status,
    stage: state.stage,
    progress: progressOf(state),
    run: state.run,
    parallel: {
      window: state.window,
      ...(state.fallback === undefined
        ? {}
        : { fallback: { reason: state.fallback.code, from: state.fallback.window, at: state.fallback.at } }),
    },
    createdAt,
    ...(state.finishedAt === undefined ? {} : { finishedAt: state.finishedAt }),
    ...(failure === undefined ? {} : { error: { ...failure, traceId } }),
    ...(plan === undefined ? {} : { plan }),
    incidents: state.incidents.map(({ id: _event, ...incident }) => incident),
    scenes: state.scenes.map((scene) => ({
      index: scene.index,
      status: scene.status,
      attempts: scene.attempt,
      model: state.job.models[scene.modelIndex],
      ...(scene.predictionId === undefined ? {} : { predictionId: scene.predictionId }),
      cached: scene.cached,
      costUsd: dollars(scene.costMicros),
      ...(scene.failure === undefined ? {} : { error: scene.failure }),
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
          },
        }),
    costUsd: dollars(state.costMicros),
    ...(state.job.maxCostMicros === undefined ? {} : { maxCostUsd: dollars(state.job.maxCostMicros) }),
    ...(plan === undefined
      ? {}
      : {
          estimate: plan.scenes.map(({ index, durationSeconds }) => {
            const { lowMicros, highMicros } = estimateScene(state.job.models, durationSeconds);
            return { index, lowUsd: dollars(lowMicros), highUsd: dollars(highMicros) };
          }),
        }),
    ...(performance === undefined ? {} : { performance }),
    ...(state.job.metadata === undefined ? {} : { metadata: state.job.metadata }),
    traceId,
    links: linksOf(id),
  };
}

/** The answer to a create: the same however often its Idempotency-Key comes. */
export function acceptedOf(id: string): AcceptedView {
  return { id, status: 'queued', links: linksOf(id) };
}

/** A generation's cost as the API shows it, in dollars. */
export function costViewOf(id: string, { totalMicros, entries }: CostSummaryAnswer): CostView {
  return {
    id,
    totalUsd: dollars(totalMicros),
    entries: entries.map(({ amountMicros, ...entry }) => ({ ...entry, amountUsd: dollars(amountMicros) })),
  };
}
