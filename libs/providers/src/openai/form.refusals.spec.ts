import { describe, expect, it } from '@jest/globals';
import { firstForm, type FormPart, weakerForm } from './call.form.js';
import { refusedIn } from './form.refusals.js';

const form = firstForm('max_completion_tokens', true);
const FORMAT: FormPart[] = ['format'];
const LIMIT: FormPart[] = ['maxTokensFields'];
const STORES: FormPart[] = ['stores'];

/** Real responses: server, status, text of the error, refused parts, source. */
const REFUSALS: readonly (readonly [string, number, string, FormPart[], string])[] = [
  [
    'OpenAI, a model without structured output',
    400,
    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more about supported models at the Structured Outputs guide",
    FORMAT,
    'github.com/AgnostiqHQ/multi-agent-llm/issues/2',
  ],
  [
    'OpenAI, the word JSON is missing',
    400,
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    FORMAT,
    'github.com/vercel/ai/issues/7303',
  ],
  [
    'Azure, an old API version',
    400,
    'response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later',
    FORMAT,
    'github.com/langgenius/dify/issues/8994',
  ],
  [
    'DeepSeek',
    400,
    'This response_format type is unavailable now invalid_request_error',
    FORMAT,
    'github.com/llm-exe/llm-exe/issues/662',
  ],
  [
    'DeepSeek of 2025',
    422,
    'Failed to deserialize the JSON body into the target type: response_format: response_format.type `json_schema` is unavailable now at line 1 column 12440',
    FORMAT,
    'github.com/browser-use/browser-use/pull/215',
  ],
  [
    'Groq, a model without structured output',
    400,
    'This model does not support response format `json_schema`.',
    FORMAT,
    'github.com/ItzCrazyKns/Vane/issues/980 shows the 400; the text is that of public clients, 2026',
  ],
  [
    'Groq, a schema that it does not take',
    400,
    'invalid schema for response format: response_format/json_schema/next_step: minItems is not supported',
    FORMAT,
    'github.com/i-am-bee/beeai-framework/issues/1215',
  ],
  [
    'LM Studio',
    400,
    "\"'response_format.type' must be 'json_schema' or 'text'\"",
    FORMAT,
    'github.com/LoadShine/tada/issues/16',
  ],
  [
    'llama.cpp of 2024',
    500,
    'response_format type must be one of "text" or "json_object", but got: json_schema',
    FORMAT,
    'github.com/ggml-org/llama.cpp/issues/9522',
  ],
  [
    'llama.cpp, a conflict of its own',
    400,
    'Either "json_schema" or "grammar" can be specified, but not both',
    FORMAT,
    'github.com/ggml-org/llama.cpp/issues/11847',
  ],
  [
    'vLLM, xgrammar',
    400,
    'The provided JSON schema contains features not supported by xgrammar.',
    FORMAT,
    'github.com/z-lab/paroquant/issues/31',
  ],
  ['vLLM, guidance', 400, 'Grammar error: Unknown format: uri', FORMAT, 'github.com/z-lab/paroquant/issues/31'],
  [
    'Ollama of 2024',
    400,
    'invalid format: expected "json" or a JSON schema',
    FORMAT,
    'github.com/ollama/ollama/issues/8126',
  ],
  ['Anthropic', 400, 'response_format: Extra inputs are not permitted', FORMAT, 'github.com/amrit110/oli/issues/7'],
  [
    'OpenRouter',
    404,
    'No endpoints found that can handle the requested parameters.',
    FORMAT,
    'github.com/block/buzz/issues/3018',
  ],
  [
    'Mistral, the token limit',
    422,
    '{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":32000}]}',
    LIMIT,
    'github.com/editor-code-assistant/eca/issues/231',
  ],
  [
    'vLLM before 0.6.4, the token limit',
    400,
    "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted', 'input': 64}]",
    LIMIT,
    'github.com/vllm-project/vllm/issues/10078',
  ],
  [
    'Mistral, metadata',
    422,
    '{"detail":[{"type":"extra_forbidden","loc":["body","metadata"],"msg":"Extra inputs are not permitted","input":{"clipmesh_attempt":"gen_1.llm.1"}}]}',
    STORES,
    'github.com/OpenHands/OpenHands-CLI/issues/83',
  ],
  [
    'Groq, store',
    400,
    "property 'store' is unsupported, did you mean 'stop'?",
    STORES,
    'github.com/fanenr/chatbot/issues/21',
  ],
  ['Azure, store', 400, "Unknown parameter: 'store'.", STORES, 'github.com/betalgo/openai/pull/664'],
  [
    'OpenAI, metadata alone',
    400,
    "The 'metadata' parameter is only allowed when 'store' is enabled.",
    STORES,
    'github.com/QwenLM/qwen-code/issues/243',
  ],
  [
    'Gemini, store and metadata',
    400,
    'Invalid JSON payload received. Unknown name "metadata": Cannot find field.\nInvalid JSON payload received. Unknown name "store": Cannot find field.',
    STORES,
    'github.com/ed-donner/agents/issues/45',
  ],
  [
    'a proxy, metadata',
    400,
    '{"detail":"Unsupported parameter: metadata"}',
    STORES,
    'github.com/tiylabs/tiygate/issues/52',
  ],
];

/** Real responses about something else. */
const OTHERS: readonly (readonly [string, number, string, string])[] = [
  [
    'OpenAI, a limit that is too large',
    400,
    'max_completion_tokens is too large: 8192. This model supports at most 4096 completion tokens, whereas you provided 8192.',
    'github.com/ChatGPTNextWeb/NextChat/issues/3195',
  ],
  [
    'Volcengine, a limit that is too large',
    400,
    'The parameter `max_completion_tokens` specified in the request are not valid: integer above maximum value, expected a value <= 12288, but got 32000 instead.',
    'github.com/Gitlawb/openclaude/issues/331',
  ],
  [
    'OpenAI, a full context',
    400,
    "This model's maximum context length is 8192 tokens. However, you requested 8256 tokens (64 in the messages, 8192 in the completion). Please reduce the length of the messages or completion. context_length_exceeded",
    'github.com/ChatGPTNextWeb/NextChat/issues/3195',
  ],
  ['vLLM, no room', 400, 'max_tokens must be at least 1, got -186.', 'github.com/vllm-project/vllm/issues/4667'],
  [
    'OpenRouter, an unknown model',
    404,
    'No endpoints found for nousresearch/hermes-3.',
    'github.com/vyancharuk/nodejs-api-boilerplate/issues/16',
  ],
  ['Ollama, an unknown model', 404, 'model "llama3.1:8b" not found, try pulling it first', 'github.com/ollama/ollama'],
  ['a rate limit', 429, 'response_format json_schema: too many requests', 'by its status'],
  ['a wrong key', 401, "Unknown parameter: 'store'.", 'by its status'],
  ['an overloaded server', 503, 'response_format is not supported while overloaded', 'by its status'],
  ['an unknown field of another name', 400, 'Unknown parameter: storefront.', 'made up'],
];

describe('the parts of a chat request that a server refuses', () => {
  it.each(REFUSALS)('are read: %s', (_server, status, text, parts) => {
    expect([...refusedIn({ status, text }, form)]).toEqual(parts);
  });

  it.each(OTHERS)('are none: %s', (_server, status, text) => {
    expect([...refusedIn({ status, text }, form)]).toEqual([]);
  });

  it('include the limit field that is sent, not the one that the text recommends', () => {
    const text =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    expect([...refusedIn({ status: 400, text }, firstForm('max_tokens', false))]).toEqual(['maxTokensFields']);
    expect([...refusedIn({ status: 400, text }, firstForm('none', false))]).toEqual([]);
  });
});

describe('a weaker form', () => {
  it('replaces what was refused, down to a form that has nothing to replace', () => {
    const all = new Set<FormPart>(['format', 'maxTokensFields', 'stores']);
    const second = weakerForm(form, all);
    expect(second).toEqual({
      ...{ format: 'json_object', describesSchema: true, maxTokensFields: ['max_tokens'], stores: false },
    });
    const third = weakerForm(second!, all);
    expect(third).toEqual({ ...second, format: 'text' });
    expect(weakerForm(third!, all)).toBeUndefined();
  });

  it('never drops the token limit, and changes nothing that was not refused', () => {
    const one = { ...form, maxTokensFields: ['max_tokens'] as const };
    expect(weakerForm(one, new Set<FormPart>(['maxTokensFields']))).toBeUndefined();
    expect(weakerForm(form, new Set<FormPart>(['stores']))).toEqual({ ...form, stores: false });
    expect(weakerForm(form, new Set())).toBeUndefined();
  });
});
