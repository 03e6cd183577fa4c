import OpenAI from 'openai';
import { jsonOf } from '../failures/json.text.js';

/**
 * A client of OpenAI's API or a compatible one, which never retries. Without a key it sends no `Authorization`. `timeoutMs` covers the
 * time to the headers of a response.
 */
export const openAiClient = (apiKey: string | undefined, baseURL: string, timeoutMs: number): OpenAI =>
  new OpenAI({
    // The client insists on a key.
    apiKey: apiKey ?? 'none',
    ...(apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    baseURL,
    maxRetries: 0,
    // It would print what a server sends. Errors carry what matters.
    logLevel: 'off',
    timeout: timeoutMs,
    fetch: fetchWithErrors,
  });

/**
 * The client reads errors in the field `error` only. Mistral, vLLM and others have none, and Gemini sends a list; without this, the
 * reason of a refusal would be lost.
 */
const fetchWithErrors: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (response.ok) return response;
  const text = await response.text();
  const body = jsonOf(text);
  const whole: unknown = Array.isArray(body) ? body[0] : body;
  const error: unknown = typeof whole === 'object' && whole !== null && 'error' in whole ? whole.error : whole;
  const headers = new Headers(response.headers);
  for (const name of ['content-encoding', 'content-length']) headers.delete(name);
  const read = body === undefined ? text : JSON.stringify({ error });
  return new Response(read === '' ? null : read, { status: response.status, headers });
};
