/** One span. Times are integer microseconds since the start of the trace. */
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

/** A trace with spans sorted by start. Parents and links may refer to missing spans. */
export interface Trace {
  readonly traceId: string;
  readonly spans: readonly Span[];
  /** Time 0 in microseconds since the epoch. Default: 0. */
  readonly originUs?: number;
  /** Span ids in document order, used for ties in {@link jaegerCriticalPath}. Default: the order of `spans`. */
  readonly documentOrder?: readonly string[];
  /** Problems of the document and how the reader handled them, one sentence per kind. */
  readonly warnings?: readonly string[];
}
