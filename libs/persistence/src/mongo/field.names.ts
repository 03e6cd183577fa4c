/** What MongoDB reads as an operator, a path or an end in a field's name, and the sign that stands before its replacement. */
const HOSTILE = /[%$.\0]/g;
const ESCAPED = /%([0-9A-F]{2})/g;

/** Names that mongoose or its driver drop, or take for what they do to a value. */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...['prototype', '_bsontype', 'toBSON', 'toObject', 'toJSON'],
]);

const escape = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * A JSON value with field names that MongoDB and mongoose take as they are: `$`, `.`, NUL and `%`, and the first character
 * of a reserved name, stand as `%` and their code.
 */
export function encodeNames(value: unknown): unknown {
  return renamed(value, (name) =>
    RESERVED.has(name) ? `${escape(name)}${name.slice(1)}` : name.replace(HOSTILE, escape),
  );
}

/** The opposite of {@link encodeNames}. */
export function decodeNames(value: unknown): unknown {
  return renamed(value, (name) => name.replace(ESCAPED, (_, code: string) => String.fromCharCode(parseInt(code, 16))));
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  // Not by assignment: `__proto__` is a name like any other.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [rename(name), renamed(item, rename)]),
  );
}
