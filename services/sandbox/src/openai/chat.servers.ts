/** Servers with OpenAI's chat API that do not take all of its fields. */
export const CHAT_SERVERS = [
  /** Takes every field. */
  'openai',
  /** Needs no key, and ignores `store`, `metadata` and `max_completion_tokens`. */
  'ollama',
  /** Takes `json_object`, not `json_schema`. */
  'deepseek',
  /** Takes neither `json_schema` nor `store`. */
  'groq',
  /** Takes no `store`, `metadata` and `max_completion_tokens`; names all of them in one error. */
  'mistral',
  /** Before 0.6: takes `json_object`, and no `store`, `metadata` and `max_completion_tokens`. Needs no key. */
  'vllm',
  /** Of 2024: takes `json_object`, and answers 500 to `json_schema`. Needs no key. */
  'llama.cpp',
  /** Takes no `response_format`. */
  'anthropic',
  /** Takes no `store` and `metadata`; the error is in a list. */
  'gemini',
] as const;
export type ChatServer = (typeof CHAT_SERVERS)[number];

const KEYLESS: ReadonlySet<ChatServer | undefined> = new Set(['ollama', 'vllm', 'llama.cpp'] as const);
/** Whether the server answers without a key. */
export const isKeyless = (server: ChatServer | undefined): boolean => KEYLESS.has(server);

/** The fields of a request that decide about its refusal. */
export interface ChatFields {
  readonly response_format?: { readonly type: string } | undefined;
  readonly messages: readonly { readonly content?: string | null | undefined }[];
  readonly store?: boolean | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly max_completion_tokens?: number | null | undefined;
}
export interface ChatRefusal {
  readonly status: number;
  readonly body: unknown;
}

const problem = (message: string, code: string | null = null, param: string | null = null): object => ({
  error: { message, type: 'invalid_request_error', param, code },
});

/** The fields that `strict` servers do not know, in the order of the request. */
const extras = (fields: ChatFields, names: readonly (keyof ChatFields)[]): (keyof ChatFields)[] =>
  names.filter((name) => fields[name] !== undefined && fields[name] !== null);

/** The error for the fields that this server does not take, in its own form; undefined when it takes them all. */
export function chatRefusal(server: ChatServer, fields: ChatFields): ChatRefusal | undefined {
  const format = fields.response_format?.type;
  const isSchema = format === 'json_schema';
  if (format === 'json_object' && !fields.messages.some(({ content }) => /json/i.test(content ?? '')))
    return {
      status: 400,
      body: problem(
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      ),
    };
  switch (server) {
    case 'openai':
    case 'ollama':
      return undefined;
    case 'deepseek':
      return isSchema
        ? { status: 400, body: problem('This response_format type is unavailable now', 'invalid_request_error') }
        : undefined;
    case 'groq': {
      const [extra] = extras(fields, ['store']);
      if (extra !== undefined)
        return { status: 400, body: problem("property 'store' is unsupported, did you mean 'stop'?") };
      const text = 'This model does not support response format `json_schema`.';
      return isSchema ? { status: 400, body: problem(text, null, 'response_format') } : undefined;
    }
    case 'mistral': {
      const detail = extras(fields, ['store', 'metadata', 'max_completion_tokens']).map((name) => ({
        ...{ type: 'extra_forbidden', loc: ['body', name], msg: 'Extra inputs are not permitted' },
        input: fields[name],
      }));
      const body = { object: 'error', message: { detail }, type: 'invalid_request_error', param: null, code: null };
      return detail.length === 0 ? undefined : { status: 422, body };
    }
    case 'vllm': {
      const found = extras(fields, ['max_completion_tokens', 'store', 'metadata']).map(
        (name) => `{'type': 'extra_forbidden', 'loc': ('body', '${name}'), 'msg': 'Extra inputs are not permitted'}`,
      );
      if (isSchema)
        found.push(
          "{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}",
        );
      const body = {
        object: 'error',
        message: `[${found.join(', ')}]`,
        type: 'BadRequestError',
        param: null,
        code: 400,
      };
      return found.length === 0 ? undefined : { status: 400, body };
    }
    case 'llama.cpp': {
      const message = 'response_format type must be one of "text" or "json_object", but got: json_schema';
      return isSchema ? { status: 500, body: { error: { code: 500, message, type: 'server_error' } } } : undefined;
    }
    case 'anthropic': {
      const message = 'response_format: Extra inputs are not permitted';
      const body = { type: 'error', error: { type: 'invalid_request_error', message } };
      return format === undefined ? undefined : { status: 400, body };
    }
    case 'gemini': {
      const lines = extras(fields, ['metadata', 'store']).map(
        (name) => `Invalid JSON payload received. Unknown name "${name}": Cannot find field.`,
      );
      const error = { code: 400, message: lines.join('\n'), status: 'INVALID_ARGUMENT' };
      return lines.length === 0 ? undefined : { status: 400, body: [{ error }] };
    }
  }
}
