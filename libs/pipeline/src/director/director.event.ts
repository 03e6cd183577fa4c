import { type DomainEvent } from '@clipmesh/contracts';

/** An event with its deterministic message id and the trace context of its publisher. */
export type DirectorEvent = DomainEvent & { readonly id: string; readonly traceparent?: string };
