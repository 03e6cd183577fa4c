import { cutText } from '@clipmesh/contracts';

/** The part of JSON Schema that structured outputs use. */
export type JsonSchema = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const ref = schema.$ref;
  if (typeof ref !== 'string') return schema;
  const found = ref
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), root);
  return isRecord(found) ? found : {};
}

function typeOf(schema: JsonSchema): string | undefined {
  const type: unknown = Array.isArray(schema.type) ? schema.type.find((entry) => entry !== 'null') : schema.type;
  return typeof type === 'string' ? type : isRecord(schema.properties) ? 'object' : undefined;
}

function matches(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isRecord(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'null':
      return value === null;
    case undefined:
      return value !== undefined;
    default:
      return typeof value === type;
  }
}

const MAX_DEPTH = 16;

/** Builds a value that matches the schema, using the matching parts of `hint`. Uses null below 16 levels. */
export function fitSchema(node: JsonSchema, hint?: unknown, root: JsonSchema = node, depth = 0): unknown {
  const schema = resolve(node, root);
  if (depth > MAX_DEPTH) return null;
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum.includes(hint) ? hint : schema.enum[0];
  const union = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(union)) {
    const options = union.filter(isRecord).map((option) => resolve(option, root));
    const chosen =
      options.find((option) => matches(typeOf(option), hint)) ?? options.find((option) => option.type !== 'null');
    return chosen === undefined ? null : fitSchema(chosen, hint, root, depth + 1);
  }
  const type = typeOf(schema);
  switch (type) {
    case 'object': {
      const given = isRecord(hint) ? hint : {};
      const required = Array.isArray(schema.required) ? schema.required : [];
      const wanted = Object.entries(isRecord(schema.properties) ? schema.properties : {}).filter(
        ([key]) => required.includes(key) || key in given,
      );
      return Object.fromEntries(
        wanted.map(([key, child]) => [
          key,
          fitSchema(isRecord(child) ? child : {}, given[key] ?? (child as JsonSchema).description, root, depth + 1),
        ]),
      );
    }
    case 'array': {
      const given: unknown[] = Array.isArray(hint) ? hint : [undefined];
      const length = Math.min(Math.max(given.length, number(schema.minItems, 0)), number(schema.maxItems, Infinity));
      return Array.from({ length }, (_, index) =>
        fitSchema(isRecord(schema.items) ? schema.items : {}, given[index % given.length], root, depth + 1),
      );
    }
    case 'integer':
    case 'number': {
      const low = number(schema.minimum, number(schema.exclusiveMinimum, -Infinity) + 1);
      const high = number(schema.maximum, number(schema.exclusiveMaximum, Infinity) - 1);
      const wanted = typeof hint === 'number' ? (type === 'integer' ? Math.round(hint) : hint) : Math.max(1, low);
      return Math.min(high, Math.max(low, wanted));
    }
    case 'boolean':
      return hint === true;
    case 'null':
      return null;
    case 'string': {
      const text = typeof hint === 'string' ? hint : 'text';
      return cutText(text.padEnd(number(schema.minLength, 0), '.'), number(schema.maxLength, Infinity));
    }
    case undefined:
    default:
      return hint ?? null;
  }
}
