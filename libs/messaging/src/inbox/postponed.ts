import { ClipmeshError, type FailureCode } from '@clipmesh/contracts';

/**
 * Thrown by a handler that cannot start yet, for a reason outside the message. The message is redelivered after `delayMs` plus
 * the delay of {@link RetryPolicy.postpone}, without using a try. `code`: failure code once it was postponed for too long.
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
