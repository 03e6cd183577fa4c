import { ClipmeshError, type FailureCode } from '@clipmesh/contracts';

/**
 * Thrown by a handler that cannot begin yet, for a reason that has nothing to do with the message. The message is delivered
 * again after `delayMs` and the pause of {@link RetryPolicy.postpone}, and no attempt is used up. `code`: what it fails with
 * once it was postponed for too long.
 */
export class Postponed extends ClipmeshError {
  constructor(
    code: FailureCode,
    message: string,
    readonly delayMs: number,
  ) {
    super(code, message);
    this.name = 'Postponed';
  }
}
