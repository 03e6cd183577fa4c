import { type Charge, ClipmeshError } from '@clipmesh/contracts';
import { clipCostMicros, MODELS } from '@clipmesh/pipeline';
import { type PredictionState } from '@clipmesh/providers';

/** What the charge depends on, as the command or its attempt knows it. */
export interface PurchasedClip {
  readonly model: string;
  readonly scene: number;
  /** Seconds asked for; billed when the provider names none. */
  readonly durationSeconds: number;
}

/**
 * What the provider charges for a prediction in this state: one that succeeded, one that was canceled after it had started,
 * and one that failed though the provider names the seconds of video that it made (its output was refused).
 */
export function chargesOf({ model, scene, durationSeconds }: PurchasedClip, state: PredictionState): Charge[] {
  const charged =
    state.status === 'succeeded' ||
    (state.status === 'canceled' && state.startedAt !== undefined) ||
    (state.status === 'failed' && (state.billedSeconds ?? 0) > 0);
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
      outcome: state.status === 'succeeded' || state.status === 'failed' ? state.status : 'canceled',
    },
  ];
}

/** The charge of one thing, as a change of its attempt. */
export const chargeIn = ([charge]: readonly Charge[]): { charge?: Charge } => (charge === undefined ? {} : { charge });

/** Whatever goes wrong in this work tells what was paid: there may be no further try that would. */
export async function reportingCharges<T>(charges: readonly Charge[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ClipmeshError ? withCharges(error, charges) : error;
  }
}

/** The same error, with what was paid: each thing once. */
export function withCharges(error: ClipmeshError, reported: readonly Charge[]): ClipmeshError {
  const charges = [...new Map(reported.map((charge) => [charge.key, charge])).values()];
  const { code, message: text, retryable, retryAfterMs } = error;
  return new ClipmeshError(code, text, {
    cause: error,
    retryable,
    charges,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
