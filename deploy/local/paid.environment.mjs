/** The variables with which a provider other than the sandbox is used. */
export const PAID_VARIABLES = [
  'REPLICATE_API_TOKEN',
  'FAL_KEY',
  'COG_ENDPOINTS',
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'SPEECH_API_KEY',
  'SPEECH_BASE_URL',
];

/** The environment without them: tests never reach a provider, whatever the developer's shell contains. */
export function withoutProviders(env) {
  return Object.fromEntries(Object.entries(env).filter(([variable]) => !PAID_VARIABLES.includes(variable)));
}
