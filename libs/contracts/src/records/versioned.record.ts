/** A value and its opaque revision for compare-and-set. */
export interface Versioned<T> {
  value: T;
  revision: string;
}

/** A record with this id or key exists already. */
export class AlreadyExistsError extends Error {
  readonly code = 'ALREADY_EXISTS';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AlreadyExistsError';
  }
}

/** The record has changed since it was read. Read it again and repeat the decision. */
export class ConflictError extends Error {
  readonly code = 'CONFLICT';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConflictError';
  }
}
