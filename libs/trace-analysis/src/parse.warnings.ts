/** What can be wrong in a trace, and how it is read. */
const KINDS = {
  entry: 'Entries of lists that are no objects, left out',
  field: 'Fields that are null or of a wrong type, read as absent',
  noId: 'Spans without an id or a trace id, left out',
  noTimes: 'Spans without a readable start and end, left out',
  noStart: 'Spans without a readable start, read as starting at their end',
  noEnd: 'Spans without a readable end, read as having no length',
  negative: 'Spans that end before they start, read as having no length',
  duplicate: 'Spans with the id of another one and other content, left out',
  kind: 'Spans of an unknown kind, read as internal',
  attribute: 'Attributes whose value cannot be read, left out',
  textNumber: 'Attributes with a number as text, read as numbers',
} as const;
export type WarningKind = keyof typeof KINDS;

interface Seen {
  count: number;
  readonly first: string;
}

/** Collects what is wrong in a document: each kind once for each trace, with its number and the first case. */
export class ParseWarnings {
  private readonly byTrace = new Map<string | undefined, Map<WarningKind, Seen>>();
  private traceId: string | undefined;

  /** The trace that the following warnings are about; undefined where that is not known. */
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

  /** The sentences for a trace, with those that are about no known trace. */
  of(traceId: string): string[] {
    return this.sentences([traceId, undefined]);
  }

  /** All sentences, whatever trace they are about. */
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
