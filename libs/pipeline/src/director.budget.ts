import { type Failure, type GenerationState, type SceneState } from '@clipmesh/contracts';
import { clipPrice } from './estimate.js';

/** Failures after which it is certain what the clip's purchases cost: their events say so. */
const CERTAIN: ReadonlySet<Failure['code']> = new Set([
  'PREDICTION_FAILED',
  'MODEL_FAILED',
  'PREDICTION_REFUSED',
  'OUTPUT_REFUSED',
  'BUDGET_EXCEEDED',
]);

/** Spent, and what the clips in flight and purchases in doubt may still come to. */
export function committedBy({ costMicros, scenes }: GenerationState): number {
  return scenes.reduce(
    (sum, { allowanceMicros, costMicros: own }) => sum + Math.max(0, (allowanceMicros ?? 0) - own),
    costMicros,
  );
}

/**
 * The waiting scene with the first model, from its own on, that keeps the generation under its cap. It waits on while
 * clips in flight may leave something over, and fails when none can. In a new run it first has what is still set aside for
 * it: whatever has an unknown outcome is settled before anything is bought for its scene. A scene whose output was refused
 * stays with its model, and fails with the refusal when that does not fit.
 */
export function affordable(state: GenerationState, waiting: SceneState): SceneState {
  const { failure: refusal, ...scene } = waiting;
  const { job, plan } = state;
  const cap = job.maxCostMicros;
  const seconds = plan?.scenes[scene.index]?.durationSeconds;
  if (cap === undefined || seconds === undefined) return { ...scene, status: 'generating' };
  const leftMicros = cap - committedBy(state);
  const heldMicros = Math.max(scene.allowanceMicros ?? 0, scene.costMicros);
  const spareMicros = scene.cause === undefined ? heldMicros - scene.costMicros : 0;
  const models = refusal === undefined ? job.models.length : scene.modelIndex + 1;
  for (let modelIndex = scene.modelIndex; modelIndex < models; modelIndex += 1) {
    const price = clipPrice(job.models[modelIndex] ?? '', seconds);
    if (price === undefined || price > leftMicros + spareMicros) continue;
    const moreMicros = Math.max(0, price - spareMicros);
    return { ...scene, status: 'generating', modelIndex, allowanceMicros: heldMicros + moreMicros };
  }
  if (state.scenes.some(({ status }) => status === 'generating')) return waiting;
  return { ...scene, status: 'failed', failure: refusal ?? exceeded(scene, Math.max(0, leftMicros)) };
}

const exceeded = ({ index, costMicros }: SceneState, leftMicros: number): Failure => ({
  code: 'BUDGET_EXCEEDED',
  stage: 'clip',
  scene: index,
  message: `no video model that is left fits into the ${leftMicros / 1_000_000} USD that are left of the generation's budget`,
  retryable: false,
  charged: costMicros > 0,
});

/** The scene once its clip has come, or has failed in a way that leaves nothing in doubt. Else the money stays set aside. */
export function released(scene: SceneState, failure?: Failure): SceneState {
  if (failure !== undefined && !CERTAIN.has(failure.code)) return scene;
  const { allowanceMicros: _allowance, ...rest } = scene;
  return rest;
}
