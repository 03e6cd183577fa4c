const OPENAI_BASE_URL = 'https://api.openai.com/v1';
const OPENAI_HOST = 'api.openai.com';

/** The speech API and its key. */
export interface SpeechServer {
  readonly baseUrl: string;
  /** Undefined: the server is called without a key. */
  readonly apiKey: string | undefined;
}

/**
 * The speech API that the variables configure. Undefined: none, because OpenAI is not called without a key. Takes the texts of the
 * variables; an empty one counts as unset. The key of the language model is used on the same server only, so that no other server
 * gets it.
 */
export function speechServer(env: Readonly<Record<string, string | undefined>>): SpeechServer | undefined {
  const baseUrl = env['SPEECH_BASE_URL'] || OPENAI_BASE_URL;
  const isShared = originOf(baseUrl) === originOf(env['OPENAI_BASE_URL'] || OPENAI_BASE_URL);
  const apiKey = env['SPEECH_API_KEY'] || (isShared ? env['OPENAI_API_KEY'] : undefined) || undefined;
  return apiKey === undefined && hostOf(baseUrl) === OPENAI_HOST ? undefined : { baseUrl, apiKey };
}

const originOf = (address: string): string => (URL.canParse(address) ? new URL(address).origin : address);
const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).hostname : '');
