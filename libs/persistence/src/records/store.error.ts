import { ClipmeshError, messageOf } from '@clipmesh/contracts';

/** `STORE_UNAVAILABLE`. `what` names the store or what was wanted of it. */
export function unavailable(what: string, cause: unknown): ClipmeshError {
  return new ClipmeshError('STORE_UNAVAILABLE', `${what}: ${messageOf(cause)}`, { cause });
}
