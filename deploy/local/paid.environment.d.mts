/** The variables with which a provider other than the sandbox is used. */
export const PAID_VARIABLES: readonly string[];

/** The environment without them: tests never reach a provider, whatever the developer's shell contains. */
export function withoutProviders(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
