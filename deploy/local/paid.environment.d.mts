/** The variables that lead to a provider that charges: the settings with `paid`, also before anything is compiled. */
export const PAID_VARIABLES: readonly string[];

/** The environment without them: tests never reach a provider, whatever the developer's shell contains. */
export function withoutProviders(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
