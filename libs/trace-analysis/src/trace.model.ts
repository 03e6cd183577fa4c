/** One span; times are integer microseconds since the trace's start. */
export interface Span {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly links: readonly string[];
  readonly service: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startUs: number;
  readonly endUs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Spans sorted by start. Parents and links may name spans that were never received. */
export interface Trace {
  readonly traceId: string;
  readonly spans: readonly Span[];
  /** Where time 0 lies, microseconds since the epoch; 0 when absent. */
  readonly originUs?: number;
  /** Ids as the document listed them, which decides nothing but the ties of {@link jaegerCriticalPath}; the spans' own when absent. */
  readonly documentOrder?: readonly string[];
  /** What was wrong in the document, and how it was read: one sentence for each kind. */
  readonly warnings?: readonly string[];
}
