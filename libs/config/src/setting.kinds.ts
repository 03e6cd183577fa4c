import { z } from 'zod';

/** One setting: its variable, the schema that parses its text, and its description. */
export interface Setting<T = unknown> {
  readonly variable: string;
  readonly schema: z.ZodType<T, string | undefined>;
  /** The default as text of the variable. Undefined: unset. */
  readonly fallback: string | undefined;
  /** Description for users, with unit and default. */
  readonly doc: string;
  /** True: the value is never shown. In containers, only `services` get it. */
  readonly secret: boolean;
  /** The only services whose containers get it. Default: all. Empty: none. */
  readonly services?: readonly string[];
  /** Whether a value of it leads to a provider that charges. Tests run without it. Default: false. */
  readonly paid?: boolean;
  /** The video provider whose token it is, or whose URL when it has a `sandboxPath`. Default: none that the sandbox replaces. */
  readonly provider?: string;
  /** Path of the sandbox to which this URL of `provider` leads while the token of the provider is unset. */
  readonly sandboxPath?: string;
}

/** The service that calls video providers. */
const CLIP_SERVICE = 'clip-generator';

/** A setting with a default. Adds `Default: …` to the description unless the default is empty. */
export const setting = <T>(
  variable: string,
  schema: z.ZodType<T, string>,
  fallback: string,
  doc: string,
): Setting<T> => ({
  variable,
  schema: z.string().default(fallback).pipe(schema),
  fallback,
  doc: fallback === '' ? doc : `${doc} Default: ${fallback}.`,
  secret: false,
});
/** A setting that may be unset. */
export const optional = (variable: string, doc: string, secret = false): Setting<string | undefined> => ({
  variable,
  schema: z.string().optional(),
  fallback: undefined,
  doc,
  secret,
});
/**
 * The token of a video provider. While it is unset, the local stack and compose use the sandbox in place of the provider. It is secret,
 * and tests run without it. In containers, only the clip generator gets it.
 */
export const providerToken = (provider: string, variable: string, doc: string): Setting<string | undefined> => ({
  ...optional(variable, doc, true),
  provider,
  paid: true,
  services: [CLIP_SERVICE],
});
/**
 * The base URL of a video provider with a {@link providerToken}. `sandboxPath`: the path of its HTTP API in the sandbox, such as
 * `/fal`. In containers, only the clip generator gets it.
 */
export const providerUrl = (
  provider: string,
  variable: string,
  fallback: string,
  sandboxPath: string,
  doc: string,
): Setting<string> => ({
  ...setting(variable, http, fallback, doc),
  provider,
  sandboxPath,
  services: [CLIP_SERVICE],
});
/** A number from `min` to `max`. Parsed to a whole number: the value times `factor`. */
export const number = (min: number, max: number, factor = 1): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, `expected a number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number(`expected a number from ${min} to ${max}`).min(min, `at least ${min}`).max(max, `at most ${max}`))
    .transform((value) => Math.round(value * factor));
/** A whole number from `min` to `max`. */
export const whole = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d+$/, `expected a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min, `at least ${min}`).max(max, `at most ${max}`));
/** Seconds from `min` to `max`, parsed to ms. */
export const seconds = (min: number, max: number): z.ZodType<number, string> => number(min, max, 1000);
/** `true` or `false`. */
export const flag = z.enum(['true', 'false'], 'expected true or false').transform((value) => value === 'true');
export const text = z.string().min(1);
/** Comma-separated entries, trimmed. Empty entries are dropped. */
export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);
/** A URL of one of the protocols, such as `http:`. */
export const url = (...protocols: string[]): z.ZodType<string, string> =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `expected an address beginning with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    );
export const port = whole(1, 65_535);
export const http = url('http:', 'https:');

/** Comma-separated addresses, all `nats:` or all `tls:`, without conflicting credentials. */
export const brokerAddresses = list
  .refine(
    (entries) => entries.length > 0 && entries.every((entry) => url('nats:', 'tls:').safeParse(entry).success),
    'expected addresses beginning with nats:// or tls://, comma-separated',
  )
  .refine(
    agree(({ protocol }) => protocol),
    'expected either nats:// or tls:// in all addresses',
  )
  .refine(
    agree(({ username, password }) => (username === '' ? undefined : `${username}:${password}`)),
    'expected the same credentials in all addresses, or in one alone',
  )
  .transform((entries) => entries.join(','));

/** Whether all addresses with a `part` have the same one. Ignores invalid addresses: another rule rejects them. */
function agree(part: (address: URL) => string | undefined): (entries: string[]) => boolean {
  return (entries) => {
    const found = entries.flatMap((entry) => (URL.canParse(entry) ? (part(new URL(entry)) ?? []) : []));
    return new Set(found).size <= 1;
  };
}
