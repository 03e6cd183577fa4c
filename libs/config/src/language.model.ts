/**
 * Whether a language model writes the plans: with a key, or without one from a server other than OpenAI's, which may need none. Takes
 * the texts of the variables; an empty one counts as unset. True for an address that is not a URL, which the settings then reject.
 */
export function hasLanguageModel(env: Readonly<Record<string, string | undefined>>): boolean {
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: address } = env;
  if (key) return true;
  if (!address) return false;
  return !URL.canParse(address) || new URL(address).hostname !== 'api.openai.com';
}
