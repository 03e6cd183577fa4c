export interface MediaType {
  /** In lower case, without parameters: `application/json`. */
  readonly type: string;
  /** Values by parameter name in lower case, without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

const PARAMETER = /;\s*(?:([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*)))?\s*/gy;

/** Parses a `Content-Type` (RFC 9110 §8.3.1). A malformed parameter ends the list of parameters; the type remains valid. */
export function parseMediaType(header: string): MediaType {
  const type = /^\s*([^\s;]*)\s*/.exec(header);
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = type?.[0].length ?? 0;
  for (let match = PARAMETER.exec(header); match !== null; match = PARAMETER.exec(header)) {
    const [, name, quoted, token] = match;
    if (name !== undefined) parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
  }
  return { type: type?.[1]?.toLowerCase() ?? '', parameters };
}
