import { clipNeeds, type ClipQuote, type ModelTable, quoteClip, refusalOf } from '@clipmesh/billing';
import {
  DRAFT_MODEL,
  type Failure,
  type GenerationState,
  type Incident,
  isDraft,
  type Job,
  type SceneState,
} from '@clipmesh/contracts';

/** The job of the current run. A draft has one free model and no cap. */
export function runJob(state: Pick<GenerationState, 'job' | 'approved'>): Job {
  if (!isDraft(state)) return state.job;
  const { maxCostMicros: _cap, ...job } = state.job;
  return { ...job, models: [DRAFT_MODEL] };
}

/** The clip of a scene of `seconds` from the job's model at this index. Undefined: unknown model, or it cannot make the clip. */
export function modelQuote(job: Job, seconds: number, models: ModelTable, modelIndex: number): ClipQuote | undefined {
  const terms = models.get(job.models[modelIndex] ?? '');
  return terms && quoteClip(terms, clipNeeds(job, seconds));
}

/** Why the model at this index cannot make the clip; undefined when it can, or when its terms are unknown. */
function unsuitableReason(job: Job, seconds: number, models: ModelTable, modelIndex: number): string | undefined {
  const terms = models.get(job.models[modelIndex] ?? '');
  return terms && refusalOf(terms, clipNeeds(job, seconds));
}

/** The index of the first model from `from` on that can make a clip of `seconds`. Undefined: none. */
export function suitableModel(job: Job, seconds: number, models: ModelTable, from: number): number | undefined {
  for (let modelIndex = from; modelIndex < job.models.length; modelIndex += 1)
    if (unsuitableReason(job, seconds, models, modelIndex) === undefined) return modelIndex;
  return undefined;
}

/** The failure of a scene whose clip none of the remaining models can make. */
export function unsuitableFailure(scene: SceneState, job: Job, seconds: number, models: ModelTable): Failure {
  const reasons = job.models
    .slice(scene.modelIndex)
    .map(
      (model, after) => `${model}: ${unsuitableReason(job, seconds, models, scene.modelIndex + after) ?? 'unknown'}`,
    );
  return {
    code: 'MODEL_UNSUITABLE',
    stage: 'clip',
    scene: scene.index,
    message: `no remaining video model can make this clip (${reasons.join('; ')})`,
    retryable: false,
    charged: scene.costMicros > 0,
  };
}

/** An incident for each model that a scene passed over because it cannot make the clip. */
export function skippedModels(
  before: GenerationState,
  after: GenerationState,
  models: ModelTable,
  event: { readonly id: string; readonly body: { readonly at: string } },
): Incident[] {
  const { plan } = after;
  const job = runJob(after);
  return after.scenes.flatMap((scene) => {
    const seconds = plan?.scenes[scene.index]?.durationSeconds;
    if (seconds === undefined || scene.cause !== event.id || scene.status !== 'generating') return [];
    const previous = before.scenes[scene.index];
    const from = previous === undefined ? 0 : previous.modelIndex;
    return job.models.slice(from, scene.modelIndex).flatMap((model, ahead) => {
      const reason = unsuitableReason(job, seconds, models, from + ahead);
      return reason === undefined
        ? []
        : [
            {
              id: `${event.id}.${scene.index}.${model}`,
              at: event.body.at,
              kind: 'skipped' as const,
              stage: 'clip' as const,
              scene: scene.index,
              model,
              reason,
            },
          ];
    });
  });
}
