import { PAID_VARIABLES } from './paid.variables.mjs';

export { PAID_VARIABLES };

/** The environment without them: tests never reach a provider, whatever the developer's shell contains. */
export function withoutProviders(env) {
  return Object.fromEntries(Object.entries(env).filter(([variable]) => !PAID_VARIABLES.includes(variable)));
}
