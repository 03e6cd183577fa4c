import { stdSerializers } from 'pino';

export const REDACTED = '[redacted]';

/**
 * Names of fields whose value is never written, in lower case and without `-` and `_`. Names are compared whole: `key`,
 * `cacheKey`, `inputTokens` and the like are what a log is read for.
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
  'openaiapikey',
  'passphrase',
  'passwd',
  'password',
  'privatekey',
  'proxyauthorization',
  'refreshtoken',
  'replicateapitoken',
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

/** The user and password of an address: `nats://user:password@host`. */
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/giu;

/** Levels of a line that are looked through. What lies deeper is not written. */
const MOST_LEVELS = 10;

const isSecret = (field: string): boolean => SECRET_FIELDS.has(field.toLowerCase().replace(/[-_]/gu, ''));

/** The text without the credentials of addresses in it. */
export const withoutCredentials = (text: string): string => text.replace(USER_INFO, `$1${REDACTED}@`);

/** The causes stand in the stack; an error passed on with its own words should not say them again in its message. */
const errorFields = (error: Error): object => ({ ...stdSerializers.err(error), message: error.message });

/** A copy of a log line's fields in which no secret is left, however deep it lies. Errors become plain fields. */
export function redact(value: unknown, level = 0, above: readonly object[] = []): unknown {
  if (typeof value === 'string') return withoutCredentials(value);
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (level > MOST_LEVELS) return '[too deep]';
  const path = [...above, value];
  if (Array.isArray(value)) return value.map((entry) => redact(entry, level + 1, path));
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return redact((value.toJSON as () => unknown).call(value), level + 1, path);
  const fields = value instanceof Error ? errorFields(value) : value;
  return Object.fromEntries(
    Object.entries(fields).map(([field, entry]) => [
      field,
      isSecret(field) && entry !== undefined && entry !== null ? REDACTED : redact(entry, level + 1, path),
    ]),
  );
}
