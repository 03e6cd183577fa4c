import { type DomainEvent } from '@clipmesh/contracts';

/** An event with its deterministic message id, and the `traceparent` of its publisher with the trace id in it. */
export type DirectorEvent = DomainEvent & {
  readonly id: string;
  readonly traceparent?: string;
  readonly traceId?: string | undefined;
};
