/** Problems of a trace, and how the reader handles them. */
const KINDS = {
  entry: 'Entries of lists that are not objects, ignored',
  field: 'Fields that are null or of a wrong type, ignored',
  noId: 'Spans without an id or a trace id, ignored',
  noTimes: 'Spans without a readable start and end, ignored',
  noStart: 'Spans without a readable start, read as starting at their end',
  noEnd: 'Spans without a readable end, read as having no length',
  negative: 'Spans that end before they start, read as having no length',
  duplicate: 'Spans with the id of another one and other content, ignored',
  kind: 'Spans of an unknown kind, read as internal',
  attribute: 'Attributes whose value cannot be read, ignored',
  textNumber: 'Attributes with a number as text, read as numbers',
} as const;
export type WarningKind = keyof typeof KINDS;

interface Seen {
  count: number;
  readonly first: string;
}

/** Collects the problems of a document. Reports each kind once per trace, with its count and first case. */
export class ParseWarnings {
  private readonly byTrace = new Map<string | undefined, Map<WarningKind, Seen>>();
  private traceId: string | undefined;

  /** Sets the trace of the following warnings; undefined when unknown. */
  about(traceId: string | undefined): void {
    this.traceId = traceId;
  }

  add(kind: WarningKind, where: string): void {
    const kinds = this.byTrace.get(this.traceId) ?? new Map<WarningKind, Seen>();
    this.byTrace.set(this.traceId, kinds);
    const seen = kinds.get(kind);
    if (seen === undefined) kinds.set(kind, { count: 1, first: where });
    else seen.count += 1;
  }

  /** The warnings of a trace, and those without a known trace. */
  of(traceId: string): string[] {
    return this.sentences([traceId, undefined]);
  }

  /** The warnings of all traces. */
  all(): string[] {
    return this.sentences([...this.byTrace.keys()]);
  }

  private sentences(ids: readonly (string | undefined)[]): string[] {
    return ids.flatMap((id) =>
      [...(this.byTrace.get(id) ?? [])].map(
        ([kind, { count, first }]) => `${KINDS[kind]}: ${count} (first: ${first}).`,
      ),
    );
  }
}
