import { type Failure, type GenerationState, type SceneState } from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { speechReserve } from './director.speech.js';
import { modelQuote, runJob, suitableModel, unsuitableFailure } from './director.models.js';

/** Failures after which the cost of the clip's purchases is known from their events. */
const KNOWN_COST: ReadonlySet<Failure['code']> = new Set([
  'PREDICTION_FAILED',
  'MODEL_FAILED',
  'PREDICTION_REFUSED',
  'OUTPUT_REFUSED',
  'BUDGET_EXCEEDED',
]);

/** Micro-dollars spent, and reserved for clips in progress, speeches, and purchases with an unknown outcome. */
export function committedBy(state: GenerationState): number {
  const { costMicros, scenes } = state;
  return scenes.reduce(
    (sum, { allowanceMicros, costMicros: own }) => sum + Math.max(0, (allowanceMicros ?? 0) - own),
    costMicros + speechReserve(state),
  );
}

/**
 * Starts a waiting scene with the first model, from its current one on, that can make its clip and keeps the generation under its
 * cap. The scene keeps waiting while clips in progress may release money, and fails otherwise. In a new run it first uses its own
 * earlier reservation, because purchases with an unknown outcome are settled before the scene buys again. A scene whose output
 * was refused keeps its model, and fails with the refusal when that model does not fit.
 */
export function startScene(state: GenerationState, waiting: SceneState, models: ModelTable): SceneState {
  const { failure: refusal, ...scene } = waiting;
  const { plan } = state;
  const job = runJob(state);
  const cap = job.maxCostMicros;
  const seconds = plan?.scenes[scene.index]?.durationSeconds;
  if (seconds === undefined) return { ...scene, status: 'generating' };
  const last = refusal === undefined ? job.models.length - 1 : scene.modelIndex;
  const first = suitableModel(job, seconds, models, scene.modelIndex);
  if (first === undefined || first > last)
    return { ...scene, status: 'failed', failure: refusal ?? unsuitableFailure(scene, job, seconds, models) };
  if (cap === undefined) return { ...scene, status: 'generating', modelIndex: first };
  const leftMicros = cap - committedBy(state);
  const reservedMicros = Math.max(scene.allowanceMicros ?? 0, scene.costMicros);
  const unspentMicros = scene.cause === undefined ? reservedMicros - scene.costMicros : 0;
  for (let modelIndex = first; modelIndex <= last; modelIndex += 1) {
    const price = modelQuote(job, seconds, models, modelIndex)?.highMicros;
    if (price === undefined || price > leftMicros + unspentMicros) continue;
    const extraMicros = Math.max(0, price - unspentMicros);
    return { ...scene, status: 'generating', modelIndex, allowanceMicros: reservedMicros + extraMicros };
  }
  if (speechReserve(state) > 0 || state.scenes.some(({ status }) => status === 'generating')) return waiting;
  return { ...scene, status: 'failed', failure: refusal ?? budgetFailure(scene, Math.max(0, leftMicros)) };
}

const budgetFailure = ({ index, costMicros }: SceneState, leftMicros: number): Failure => ({
  code: 'BUDGET_EXCEEDED',
  stage: 'clip',
  scene: index,
  message: `no remaining video model fits into the remaining ${leftMicros / 1_000_000} USD of the generation's budget`,
  retryable: false,
  charged: costMicros > 0,
});

/** Releases the scene's reservation. After a failure that leaves a purchase with an unknown outcome, the reservation stays. */
export function releaseAllowance(scene: SceneState, failure?: Failure): SceneState {
  if (failure !== undefined && !KNOWN_COST.has(failure.code)) return scene;
  const { allowanceMicros: _allowance, ...rest } = scene;
  return rest;
}
