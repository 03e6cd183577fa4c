/** Something of this key is stored already; nothing was written. */
export class AlreadyExistsError extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`${what} exists already`, options);
    this.name = 'AlreadyExistsError';
  }
}

/** Somebody saved in between: read again, decide again, save again. Nothing was written. */
export class ConflictError extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`${what} was changed by another writer`, options);
    this.name = 'ConflictError';
  }
}
