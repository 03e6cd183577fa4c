import { ATTRIBUTES } from '@clipmesh/tracing';
import { type ParseWarnings } from './parse.warnings.js';
import { type Span, type SpanKind } from './trace.model.js';

/** No trace can be read from a document: says what is wrong, where, and what to do. */
export class TraceFormatError extends TypeError {
  override readonly name = 'TraceFormatError';
}

/** A span as a document has it; times are nanoseconds since the epoch. */
export interface RawSpan extends Omit<Span, 'startUs' | 'endUs'> {
  readonly traceId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}
export type Json = Readonly<Record<string, unknown>>;

const KINDS: readonly SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const TYPES: ReadonlyMap<string, string> = new Map(Object.values(ATTRIBUTES).map(({ key, type }) => [key, type]));
/** The year 2255: microseconds up to here are whole numbers that a double holds. */
const LATEST_NS = 9_000_000_000_000_000_000n;
const SHOWN = 60;

/** The value as an object; undefined for anything else. */
export const objectOf = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** Reads fields of documents, and says of each that is not what it should be. */
export class JsonReader {
  constructor(readonly warnings: ParseWarnings) {}

  /** The objects of a list; an absent one is empty. With `nullable`, so is null: some writers have no other empty list. */
  objects(value: unknown, where: string, nullable = false): Json[] {
    if (value === undefined || (nullable && value === null)) return [];
    if (!Array.isArray(value)) {
      this.warnings.add('field', where);
      return [];
    }
    return value.flatMap((one: unknown) => {
      const entry = objectOf(one);
      if (entry !== undefined) return [entry];
      this.warnings.add('entry', where);
      return [];
    });
  }

  /** An object; an absent one is empty. */
  object(value: unknown, where: string): Json {
    const found = objectOf(value);
    if (found === undefined && value !== undefined) this.warnings.add('field', where);
    return found ?? {};
  }

  /** A text; undefined where it is absent. */
  text(value: unknown, where: string): string | undefined {
    if (typeof value === 'string') return value;
    if (value !== undefined) this.warnings.add('field', where);
    return undefined;
  }

  kind(value: unknown, where: string): SpanKind {
    if (value === undefined) return 'internal';
    const name = typeof value === 'string' ? value.replace('SPAN_KIND_', '').toLowerCase() : undefined;
    const kind =
      typeof value === 'number'
        ? KINDS[value]
        : name === 'unspecified'
          ? 'internal'
          : KINDS.find((one) => one === name);
    if (kind === undefined) this.warnings.add('kind', where);
    return kind ?? 'internal';
  }

  /** Start and end of a span that has at least one of them; undefined where it has none, which is then left out. */
  times(
    start: bigint | undefined,
    end: bigint | undefined,
    where: string,
  ): { readonly startNs: bigint; readonly endNs: bigint } | undefined {
    if (start === undefined && end === undefined) {
      this.warnings.add('noTimes', where);
      return undefined;
    }
    if (start === undefined || end === undefined) {
      this.warnings.add(start === undefined ? 'noStart' : 'noEnd', where);
      const known = start ?? end ?? 0n;
      return { startNs: known, endNs: known };
    }
    if (end >= start) return { startNs: start, endNs: end };
    this.warnings.add('negative', where);
    return { startNs: start, endNs: start };
  }

  /** Attributes of plain kinds. Those of ours are of their declared type, and no number of ours is below 0. */
  attributes(entries: readonly (readonly [key: string, value: unknown])[], where: string): Span['attributes'] {
    const read = entries.flatMap(([key, value]) => {
      const plain = this.plain(key, value, where);
      return plain === undefined ? [] : [[key, plain] as const];
    });
    return Object.fromEntries(read);
  }

  private plain(key: string, value: unknown, where: string): string | number | boolean | undefined {
    const type = TYPES.get(key);
    if (type === 'number' && typeof value === 'string' && value.trim() !== '' && Number(value) >= 0) {
      this.warnings.add('textNumber', `${key} of ${where}`);
      value = Number(value);
    }
    const good =
      typeof value === 'number'
        ? Number.isFinite(value) && (type === undefined || (type === 'number' && value >= 0))
        : (typeof value === 'string' || typeof value === 'boolean') && (type === undefined || typeof value === type);
    if (good) return value as string | number | boolean;
    this.warnings.add('attribute', `${key} of ${where}`);
    return undefined;
  }
}

/** A whole number of ns or us since the epoch, as a number or as digits; undefined where it is neither or out of range. */
export function wholeOf(value: unknown, unitNs: bigint): bigint | undefined {
  const digits = typeof value === 'string' && /^\d{1,20}$/.test(value) ? value : undefined;
  const number = typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : undefined;
  const whole = digits === undefined ? (number === undefined ? undefined : BigInt(number)) : BigInt(digits);
  return whole === undefined || whole * unitNs > LATEST_NS ? undefined : whole * unitNs;
}

/** Names a span in a warning. */
export const spanName = (id: string, name: string): string => `${name.slice(0, SHOWN)} ${id.slice(0, SHOWN)}`.trim();
