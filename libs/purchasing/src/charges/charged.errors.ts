import { type Charge, ClipmeshError, type FailureCode } from '@clipmesh/contracts';

/** Failures of a paid call after which nothing was bought or charged. */
export const NOT_CHARGED: ReadonlySet<FailureCode> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_BAD_INPUT',
  'PROVIDER_AUTH',
  'PROVIDER_OUT_OF_CREDIT',
  'CANCELED',
]);

/** Runs `work` and adds `charges` to its errors: there may be no further try to publish them. */
export async function reportingCharges<T>(charges: readonly Charge[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ClipmeshError ? withCharges(error, charges) : error;
  }
}

/** The same error with these charges, each key once. `retryable` replaces that of the error. */
export function withCharges(
  error: ClipmeshError,
  reported: readonly Charge[],
  retryable = error.retryable,
): ClipmeshError {
  const charges = [...new Map(reported.map((charge) => [charge.key, charge])).values()];
  const { code, message, retryAfterMs } = error;
  return new ClipmeshError(code, message, {
    cause: error,
    retryable,
    charges,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
