export type RangeResult = { kind: 'whole' } | { kind: 'part'; start: number; end: number } | { kind: 'unsatisfiable' };

/**
 * Parses a `Range` header (RFC 9110 §14.2) for a file of `bytes`; `end` is inclusive. Multiple ranges, other units and
 * malformed headers select the whole file, as the RFC allows.
 */
export function parseRange(header: string | undefined, bytes: number): RangeResult {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (match === null) return { kind: 'whole' };
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return { kind: 'whole' };
  if (first === '') {
    const length = Number(last);
    return length === 0 || bytes === 0
      ? { kind: 'unsatisfiable' }
      : { kind: 'part', start: Math.max(0, bytes - length), end: bytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  return start >= bytes ? { kind: 'unsatisfiable' } : { kind: 'part', start, end };
}

export interface ConditionHeaders {
  readonly range?: string | undefined;
  readonly 'if-range'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}

/**
 * Selects the response to a request for a file (RFC 9110 §13-14). `etag` is strong and quoted. A range applies only to GET,
 * and only if `If-Range` is absent or equals the etag; a date never matches.
 */
export function selectBytes(
  method: string,
  headers: ConditionHeaders,
  file: { readonly bytes: number; readonly etag: string },
): RangeResult | { kind: 'unchanged' } {
  const etags = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  if (etags.includes(file.etag) || etags.includes('*')) return { kind: 'unchanged' };
  const ifRange = headers['if-range'];
  if (method !== 'GET' || (ifRange !== undefined && ifRange.trim() !== file.etag)) return { kind: 'whole' };
  return parseRange(headers.range, file.bytes);
}
