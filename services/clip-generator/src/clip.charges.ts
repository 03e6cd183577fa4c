import { type Charge } from '@clipmesh/contracts';
import { clipCostMicros, MODELS } from '@clipmesh/pipeline';
import { type PredictionState } from '@clipmesh/providers';

/** What the charge depends on, as the command or its attempt knows it. */
export interface Bought {
  readonly model: string;
  readonly scene: number;
  /** Seconds asked for; billed when the provider names none. */
  readonly durationSeconds: number;
}

/** What the provider charges for a prediction in this state: succeeded, or canceled after it had started. */
export function chargesOf({ model, scene, durationSeconds }: Bought, state: PredictionState): Charge[] {
  const charged = state.status === 'succeeded' || (state.status === 'canceled' && state.startedAt !== undefined);
  const price = MODELS[model];
  if (!charged || price === undefined) return [];
  const seconds = state.billedSeconds ?? durationSeconds;
  return [
    {
      key: `prediction:${state.id}`,
      kind: 'clip',
      stage: 'clip',
      provider: 'replicate',
      model,
      quantity: seconds,
      unit: 'second',
      amountMicros: clipCostMicros(price, seconds),
      scene,
      outcome: state.status === 'succeeded' ? 'succeeded' : 'canceled',
    },
  ];
}
