import { type DomainEvent } from '@clipmesh/contracts';

/** An event as the director sees it: its deterministic id, and the trace context of whoever told it. */
export type DirectorEvent = DomainEvent & { readonly id: string; readonly traceparent?: string };
