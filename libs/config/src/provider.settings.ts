import { type Setting } from './setting.kinds.js';
import { SETTINGS } from './settings.js';

/** A video provider that the sandbox replaces while its token is unset. */
export interface ReplaceableProvider {
  readonly name: string;
  readonly tokenVariable: string;
  /** Path of the sandbox for each variable with a URL of the provider. */
  readonly sandboxPaths: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const all = Object.entries<Setting>(SETTINGS);
const settings = all.map(([, setting]) => setting);

/** Every video provider whose token is a setting. */
export const REPLACEABLE_PROVIDERS: readonly ReplaceableProvider[] = settings.flatMap(
  ({ provider: name, sandboxPath, variable: tokenVariable }) => {
    if (name === undefined || sandboxPath !== undefined) return [];
    const paths = settings.flatMap((url) =>
      url.provider === name && url.sandboxPath !== undefined ? [[url.variable, url.sandboxPath] as const] : [],
    );
    return [{ name, tokenVariable, sandboxPaths: Object.fromEntries(paths) }];
  },
);

/** The variables by which a provider is the sandbox at this origin. It accepts any token. */
const sandboxVariables = (
  { tokenVariable, sandboxPaths }: ReplaceableProvider,
  origin: string,
): Readonly<Record<string, string>> => ({
  [tokenVariable]: 'sandbox',
  ...Object.fromEntries(Object.entries(sandboxPaths).map(([variable, path]) => [variable, `${origin}${path}`])),
});

/** The variables by which each provider without a token is the sandbox at this origin. An empty token counts as unset. */
export const sandboxEnvironment = (env: Environment, origin: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    REPLACEABLE_PROVIDERS.filter(({ tokenVariable }) => !env[tokenVariable]).flatMap((provider) =>
      Object.entries(sandboxVariables(provider, origin)),
    ),
  );

/** By the variable of each token, the variables by which its provider is the sandbox at this origin. */
export const sandboxVariablesByToken = (origin: string): Readonly<Record<string, Readonly<Record<string, string>>>> =>
  Object.fromEntries(
    REPLACEABLE_PROVIDERS.map((provider) => [provider.tokenVariable, sandboxVariables(provider, origin)]),
  );

/** The variables that lead to a provider that charges. */
export const PAID_VARIABLES: readonly string[] = settings.filter(({ paid }) => paid).map(({ variable }) => variable);

/** The names of secrets, as variables and as fields of the config. */
export const SECRET_NAMES: readonly string[] = all.flatMap(([key, { variable, secret }]) =>
  secret ? [key, variable] : [],
);
