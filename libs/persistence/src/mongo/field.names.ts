/** Characters with a meaning in MongoDB field names (operator, path, terminator), and the escape character. */
const SPECIAL = /[%$.\0]/g;
const ESCAPED = /%([0-9A-F]{2})/g;

/** Names that mongoose or its driver drop or interpret. */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...['prototype', '_bsontype', 'toBSON', 'toObject', 'toJSON'],
]);

const escape = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * Escapes the field names of a JSON value for MongoDB and mongoose: replaces `$`, `.`, NUL and `%`, and the first character of
 * a reserved name, by `%` and its code.
 */
export function encodeNames(value: unknown): unknown {
  return renamed(value, (name) =>
    RESERVED.has(name) ? `${escape(name)}${name.slice(1)}` : name.replace(SPECIAL, escape),
  );
}

/** Inverse of {@link encodeNames}. */
export function decodeNames(value: unknown): unknown {
  return renamed(value, (name) => name.replace(ESCAPED, (_, code: string) => String.fromCharCode(parseInt(code, 16))));
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  // Not by assignment, which would set the prototype for `__proto__`.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [rename(name), renamed(item, rename)]),
  );
}
