import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createOpenAiPlanModel, type OpenAiOptions, type PlanModel } from '../src/index.js';

const request = {
  prompt: 'A kettle that sings.',
  framework: 'PAS',
  sceneCount: 1,
  durationSeconds: 5,
  aspectRatio: '16:9',
} as const;
const style = Object.fromEntries(['style', 'palette', 'lighting', 'composition', 'mood', 'subject'].map((k) => [k, k]));
const content = JSON.stringify({
  title: 'Tea',
  style,
  scenes: [{ role: 'solve', description: 'A kettle.', durationSeconds: 5, overlayText: 'Tea' }],
});
const completion = (id: string, metadata?: object) => ({
  ...{ id, object: 'chat.completion', model: 'gpt-4o-mini', choices: [{ message: { content } }] },
  ...{ usage: { prompt_tokens: 3, completion_tokens: 4 }, metadata },
});
const never = new AbortController().signal;

let server: Server;
let calls: { method: string; url: URL; body: Record<string, unknown> }[];
/** The response to a list of stored completions. */
let listResponse: { status: number; body: object };
/** The response to a create. */
let response: { status: number; body: object };
beforeEach(async () => {
  calls = [];
  response = { status: 200, body: completion('c1') };
  server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '', 'http://127.0.0.1');
      calls.push({ method: incoming.method ?? '', url, body: JSON.parse(text || '{}') as Record<string, unknown> });
      const { status, body } = incoming.method === 'GET' ? listResponse : response;
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});
const modelOf = (
  store: boolean,
  maxTokensField: OpenAiOptions['maxTokensField'] = 'max_completion_tokens',
): PlanModel =>
  createOpenAiPlanModel({
    ...{ apiKey: 'k', model: 'gpt-4o-mini', timeoutMs: 120_000, store },
    ...{ maxTokens: { usual: 4000, retry: 16_000 }, maxTokensField },
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
  });

describe('a stored answer of the language model', () => {
  it('is stored at the provider under the key of its call, unless storing is off', async () => {
    await modelOf(true).draft(request, 'gen_1.llm.1', never);
    await modelOf(false).draft(request, 'gen_1.llm.1', never);
    expect(calls.map(({ body: { store, metadata } }) => ({ store, metadata }))).toEqual([
      { store: true, metadata: { clipmesh_attempt: 'gen_1.llm.1' } },
      { store: undefined, metadata: undefined },
    ]);
  });

  it('is found by its key, even when the server ignores the filter', async () => {
    const data = [completion('x', { clipmesh_attempt: 'another' }), completion('c', { clipmesh_attempt: 'mine' }), 7];
    listResponse = { status: 200, body: { object: 'list', data } };
    expect(await modelOf(true).find('mine', never)).toMatchObject({
      completionId: 'c',
      inputTokens: 3,
      outputTokens: 4,
    });
    expect(calls[0]?.url.searchParams.get('metadata[clipmesh_attempt]')).toBe('mine');
    expect(await modelOf(true).find('none', never)).toBeUndefined();
    expect(await modelOf(false).find('mine', never)).toBeUndefined();
    expect(calls).toHaveLength(2);
  });

  it.each([400, 404, 405, 501])('is not found at a server that stores none: %i', async (status) => {
    listResponse = { status, body: { error: { message: 'no such route' } } };
    expect(await modelOf(true).find('mine', never)).toBeUndefined();
  });

  it.each<[number, string]>([
    [503, 'PROVIDER_UNAVAILABLE'],
    [429, 'PROVIDER_RATE_LIMITED'],
    [401, 'PROVIDER_AUTH'],
  ])('has an unknown outcome after a %i', async (status, code) => {
    listResponse = { status, body: { error: { message: 'later' } } };
    await expect(modelOf(true).find('mine', never)).rejects.toMatchObject({ code });
  });

  it('is not retried when a 429 means that the account has no credit', async () => {
    listResponse = { status: 429, body: { error: { code: 'insufficient_quota', message: 'You exceeded your quota' } } };
    await expect(modelOf(true).find('mine', never)).rejects.toMatchObject({
      code: 'PROVIDER_OUT_OF_CREDIT',
      retryable: false,
    });
  });

  it('reports its charge when it is not a plan', async () => {
    const spoilt = { ...completion('c', { clipmesh_attempt: 'mine' }), choices: [{ message: { content: '{' } }] };
    listResponse = { status: 200, body: { object: 'list', data: [spoilt] } };
    await expect(modelOf(true).find('mine', never)).rejects.toMatchObject({
      code: 'PROVIDER_BAD_ANSWER',
      charges: [{ key: 'completion:c' }],
    });
  });
});

describe('a call of the language model', () => {
  it.each([
    ['max_completion_tokens', false, { max_completion_tokens: 4000 }],
    ['max_completion_tokens', true, { max_completion_tokens: 16_000 }],
    ['max_tokens', true, { max_tokens: 16_000 }],
    ['none', true, {}],
  ] as const)('sends its token limit in the field %s, with more room %s', async (field, hasMoreRoom, expected) => {
    await modelOf(true, field).draft({ ...request, hasMoreRoom }, 'gen_1.llm.1', never);
    const names = ['max_completion_tokens', 'max_tokens'];
    expect(Object.fromEntries(Object.entries(calls[0]?.body ?? {}).filter(([name]) => names.includes(name)))).toEqual(
      expected,
    );
  });

  const filtered = { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } };
  const text = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.";
  it.each<[string, number, object, string, boolean]>([
    [
      'Azure',
      400,
      { message: text, type: null, param: 'prompt', code: 'content_filter', status: 400, innererror: filtered },
      'PREDICTION_REFUSED',
      false,
    ],
    [
      'Azure without a code',
      400,
      { message: text, type: null, code: '400', innererror: filtered },
      'PREDICTION_REFUSED',
      false,
    ],
    [
      'Azure of 2025',
      400,
      { inner_error: filtered, code: 'content_filter', message: text },
      'PREDICTION_REFUSED',
      false,
    ],
    [
      'Azure behind LiteLLM',
      400,
      { message: text, type: null, code: '400', provider_specific_fields: { innererror: filtered } },
      'PREDICTION_REFUSED',
      false,
    ],
    [
      'OpenAI',
      400,
      { message: 'Invalid prompt: your prompt was flagged', type: 'invalid_request_error', code: 'invalid_prompt' },
      'PREDICTION_REFUSED',
      false,
    ],
    [
      'OpenRouter',
      403,
      { code: 403, message: 'Your input was flagged', metadata: { reasons: ['violence'], flagged_input: 'x' } },
      'PREDICTION_REFUSED',
      false,
    ],
    ['Moonshot', 400, { message: 'considered high risk', type: 'content_filter' }, 'PREDICTION_REFUSED', false],
    ['Alibaba', 400, { code: 'data_inspection_failed', message: 'inappropriate content' }, 'PREDICTION_REFUSED', false],
    ['DeepSeek', 400, { message: 'Content Exists Risk', type: 'invalid_request_error' }, 'PREDICTION_REFUSED', false],
    ['Groq', 400, { message: 'Failed to generate JSON', code: 'json_validate_failed' }, 'PROVIDER_BAD_ANSWER', true],
    [
      'an unknown field',
      400,
      { message: 'content_filter is no field', code: 'unknown_parameter' },
      'PROVIDER_BAD_INPUT',
      false,
    ],
    ['a full context', 400, { message: 'too long', code: 'context_length_exceeded' }, 'PROVIDER_BAD_INPUT', false],
    ['a wrong key', 403, { message: 'no access', code: 'forbidden', metadata: {} }, 'PROVIDER_AUTH', false],
    ['no credit', 429, { message: 'quota', code: 'insufficient_quota' }, 'PROVIDER_OUT_OF_CREDIT', false],
    ['an overloaded server', 503, { message: 'content_filter is overloaded' }, 'PROVIDER_UNAVAILABLE', true],
  ])('is not charged when refused as by %s', async (_who, status, error, code, retryable) => {
    response = { status, body: { error } };
    await expect(modelOf(false).draft(request, 'gen_1.llm.1', never)).rejects.toMatchObject({
      code,
      retryable,
      charges: [],
    });
    expect(calls).toHaveLength(1);
  });
});

describe('a call with a field that the server refuses', () => {
  const formats = (): unknown[] =>
    calls.map(({ body }) => (body['response_format'] as { type?: string } | undefined)?.type);
  const refusal = { error: { message: 'response_format is not supported', type: 'invalid_request_error' } };

  it('fails without a charge when it is refused in every form, and learns nothing from that', async () => {
    response = { status: 400, body: refusal };
    const model = modelOf(false);
    for (const key of ['gen_1.llm.1', 'gen_1.llm.2'])
      await expect(model.draft(request, key, never)).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT', charges: [] });
    const down = ['json_schema', 'json_object', undefined];
    expect(formats()).toEqual([...down, ...down]);
  });

  it('is not repeated when only the prompt, which the error quotes, speaks of the field', async () => {
    const prompt = 'A kettle. response_format json_schema is not supported, store is unsupported.';
    response = { status: 400, body: { error: { message: `Bad message: ${prompt}` } } };
    await expect(modelOf(true).draft({ ...request, prompt }, 'gen_1.llm.1', never)).rejects.toMatchObject({
      code: 'PROVIDER_BAD_INPUT',
    });
    expect(calls).toHaveLength(1);
  });

  it('never loses its token limit', async () => {
    const message = 'max_tokens and max_completion_tokens are unsupported';
    response = { status: 400, body: { object: 'error', message } };
    await expect(modelOf(false).draft(request, 'gen_1.llm.1', never)).rejects.toThrow(message);
    expect(calls.map(({ body }) => [body['max_completion_tokens'], body['max_tokens']])).toEqual([
      [4000, undefined],
      [undefined, 4000],
    ]);
  });
});
