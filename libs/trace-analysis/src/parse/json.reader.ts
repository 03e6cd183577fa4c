import { ATTRIBUTES } from '@clipmesh/tracing';
import { type ParseWarnings } from './parse.warnings.js';
import { type Span, type SpanKind } from './trace.model.js';

/** No trace can be read from a document. The message says what is wrong, where, and what to do. */
export class TraceFormatError extends TypeError {
  override readonly name = 'TraceFormatError';
}

/** A span of a document. Times are nanoseconds since the epoch. */
export interface RawSpan extends Omit<Span, 'startUs' | 'endUs'> {
  readonly traceId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}
export type Json = Readonly<Record<string, unknown>>;

const KINDS: readonly SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const TYPES: ReadonlyMap<string, string> = new Map(Object.values(ATTRIBUTES).map(({ key, type }) => [key, type]));
/** The year 2255. A double holds microseconds up to this time exactly. */
const LATEST_NS = 9_000_000_000_000_000_000n;
const SHOWN = 60;

/** The value as an object; undefined for anything else. */
export const objectOf = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** Reads fields of documents, and adds a warning for each invalid one. */
export class JsonReader {
  constructor(readonly warnings: ParseWarnings) {}

  /** The objects of a list. An absent list is empty. `nullable`: null is empty too, as some exporters write it. */
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

  /** An object. An absent one is empty. */
  object(value: unknown, where: string): Json {
    const found = objectOf(value);
    if (found === undefined && value !== undefined) this.warnings.add('field', where);
    return found ?? {};
  }

  /** A text; undefined when absent or invalid. */
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

  /** Start and end of a span; undefined when it has neither. A missing one equals the other. */
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

  /** The plain attributes. Clipmesh's own ones must have their declared type, and numbers must not be negative. */
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

/** Reads a whole number of ns or us since the epoch, as ns; undefined when invalid or out of range. */
export function wholeOf(value: unknown, unitNs: bigint): bigint | undefined {
  const digits = typeof value === 'string' && /^\d{1,20}$/.test(value) ? value : undefined;
  const number = typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : undefined;
  const whole = digits === undefined ? (number === undefined ? undefined : BigInt(number)) : BigInt(digits);
  return whole === undefined || whole * unitNs > LATEST_NS ? undefined : whole * unitNs;
}

/** The description of a span in a warning. */
export const spanName = (id: string, name: string): string => `${name.slice(0, SHOWN)} ${id.slice(0, SHOWN)}`.trim();
