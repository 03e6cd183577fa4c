/** The body does not match its schema or is not JSON. Not retryable. */
export class MessageSchemaError extends Error {
  readonly code = 'SCHEMA_VIOLATION';
  constructor(
    readonly messageName: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${messageName}: ${detail}`, options);
    this.name = 'MessageSchemaError';
  }
}
