import { stdSerializers } from 'pino';

const REDACTED = '[redacted]';

/**
 * Names of secret fields, in lower case and without `-` and `_`. Compared as whole names, because `key`, `cacheKey`,
 * `inputTokens` and similar fields must stay readable.
 */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'accesskey',
  'accesstoken',
  'apikey',
  'apikeys',
  'apitoken',
  'authorization',
  'authtoken',
  'bearer',
  'clientsecret',
  'cookie',
  'credentials',
  'passphrase',
  'passwd',
  'password',
  'privatekey',
  'proxyauthorization',
  'refreshtoken',
  'secret',
  'secretaccesskey',
  'secretkey',
  'secrets',
  'sessiontoken',
  'setcookie',
  'signingkey',
  'signingsecret',
  'token',
  'webhooksecret',
  'xapikey',
]);

/** User and password of an address: `nats://user:password@host`. */
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/giu;

/** Maximum nesting depth. Deeper values are not written. */
const MAX_DEPTH = 10;

const plainName = (field: string): string => field.toLowerCase().replace(/[-_]/gu, '');

/** Whether a field has one of these names, or that of a usual secret. */
export function secretFields(names: readonly string[]): (field: string) => boolean {
  const all = new Set([...SECRET_FIELDS, ...names.map(plainName)]);
  return (field) => all.has(plainName(field));
}

/** Redacts the credentials of addresses in a text. */
export const withoutCredentials = (text: string): string => text.replace(USER_INFO, `$1${REDACTED}@`);

/** Uses the error's own message: pino would append the messages of the causes, which are in the stack already. */
const errorFields = (error: Error): object => ({ ...stdSerializers.err(error), message: error.message });

/** Copies log fields, redacts secrets at any depth, and converts errors to plain fields. */
export function redact(
  value: unknown,
  isSecret: (field: string) => boolean,
  level = 0,
  above: readonly object[] = [],
): unknown {
  if (typeof value === 'string') return withoutCredentials(value);
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (level > MAX_DEPTH) return '[too deep]';
  const path = [...above, value];
  if (Array.isArray(value)) return value.map((entry) => redact(entry, isSecret, level + 1, path));
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return redact((value.toJSON as () => unknown).call(value), isSecret, level + 1, path);
  const fields = value instanceof Error ? errorFields(value) : value;
  return Object.fromEntries(
    Object.entries(fields).map(([field, entry]) => [
      field,
      isSecret(field) && entry !== undefined && entry !== null ? REDACTED : redact(entry, isSecret, level + 1, path),
    ]),
  );
}
