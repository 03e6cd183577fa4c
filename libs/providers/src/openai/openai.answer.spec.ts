import { describe, expect, it } from '@jest/globals';
import { answerOf, completionCharge } from './openai.answer.js';

const style = { style: 's', palette: 'p', lighting: 'l', composition: 'c', mood: 'm', subject: 'a kettle' };
const json = JSON.stringify({
  title: 'Tea',
  style,
  scenes: [{ role: 'problem', description: 'Steam', durationSeconds: 4, overlayText: 'Hot' }],
});
const usage = { prompt_tokens: 30, completion_tokens: 40, total_tokens: 70 };
const context = { model: 'requested', key: 'gen_1.llm.1', maxTokens: 4000 };

const completion = (choice: object, more: object = {}): object => ({
  ...{ id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT', object: 'chat.completion', created: 1, model: 'gpt-4o-mini' },
  ...{ choices: [{ index: 0, ...choice }], usage, ...more },
});
/** The form of OpenAI's responses. */
const openai = (message: object, finish = 'stop'): object =>
  completion({
    message: { role: 'assistant', content: null, refusal: null, annotations: [], ...message },
    logprobs: null,
    finish_reason: finish,
  });
/** The form of vLLM's responses. */
const vllm = (message: object, finish = 'stop'): object =>
  completion(
    {
      message: { role: 'assistant', content: null, reasoning_content: null, tool_calls: [], ...message },
      ...{ logprobs: null, finish_reason: finish, stop_reason: null },
    },
    { prompt_logprobs: null, kv_transfer_params: null },
  );
/** The form of Ollama's responses. */
const ollama = (message: object, finish = 'stop'): object =>
  completion(
    { message: { role: 'assistant', ...message }, finish_reason: finish },
    { id: 'chatcmpl-412', system_fingerprint: 'fp_ollama' },
  );

describe('a plan in a completion', () => {
  it.each<[string, object]>([
    ['OpenAI', openai({ content: json })],
    ['vLLM', vllm({ content: json, reasoning_content: 'Three scenes.' })],
    ['vLLM with the plan parsed as reasoning', vllm({ reasoning_content: json })],
    [
      'vLLM with the plan split between content and reasoning',
      vllm({ content: json.slice(0, 40), reasoning_content: json.slice(40) }),
    ],
    ['Ollama', ollama({ content: `\`\`\`json\n${json}\n\`\`\`` })],
    ['Ollama with reasoning', ollama({ content: json, reasoning: 'Hm.' })],
    [
      'Mistral with content parts',
      openai({
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: json },
        ],
      }),
    ],
    ['a complete plan with finish reason length', openai({ content: `${json}${' '.repeat(99)}` }, 'length')],
    ['no finish reason', completion({ message: { content: json } })],
  ])('is read: %s', (_what, answer) => {
    expect(answerOf(answer, context)).toMatchObject({
      draft: { title: 'Tea', style, scenes: [{ description: 'Steam' }] },
      ...{ inputTokens: 30, outputTokens: 40, model: 'gpt-4o-mini' },
    });
  });

  it('gets a unique completion id when the server picks one of a thousand', () => {
    const ids = ['gen_1.llm.1', 'gen_1.llm.2'].map((key) => answerOf(ollama({ content: json }), { ...context, key }));
    expect(ids.map(({ completionId }) => completionId)).toEqual([
      'chatcmpl-412.gen_1.llm.1',
      'chatcmpl-412.gen_1.llm.2',
    ]);
    const bare = completion({ message: { content: json } }, { id: undefined, model: null });
    expect(answerOf(bare, context)).toMatchObject({ completionId: 'completion.gen_1.llm.1', model: 'requested' });
  });

  it('counts a byte as a token when usage is missing', () => {
    const bare = completion({ message: { content: json } }, { usage: null });
    expect(answerOf(bare, context)).toMatchObject({ inputTokens: 0, outputTokens: json.length });
  });
});

describe('a completion without a plan', () => {
  const cut = json.slice(0, 60);
  it.each<[string, object, string, boolean]>([
    ['a refusal', openai({ refusal: "I'm sorry, I can't assist with that." }), 'PREDICTION_REFUSED', false],
    ['the content filter', openai({ content: cut }, 'content_filter'), 'PREDICTION_REFUSED', false],
    [
      'the content filter with a complete plan',
      openai({ content: json }, 'content_filter'),
      'PREDICTION_REFUSED',
      false,
    ],
    ['Gemini', openai({}, 'content_filter: PROHIBITED_CONTENT'), 'PREDICTION_REFUSED', false],
    ['Gemini, without a message', completion({ finish_reason: 'content_filter' }), 'PREDICTION_REFUSED', false],
    ['a truncated answer', openai({ content: cut }, 'length'), 'PLAN_TRUNCATED', true],
    [
      'reasoning that used all tokens',
      vllm({ content: '', reasoning_content: 'Hm, so' }, 'length'),
      'PLAN_TRUNCATED',
      true,
    ],
    ['an empty answer from Ollama', ollama({ content: '', reasoning: 'Hm' }, 'length'), 'PLAN_TRUNCATED', true],
    ['a full context at Mistral', openai({ content: cut }, 'model_length'), 'PLAN_TRUNCATED', true],
    ['a truncated answer reported as complete', openai({ content: cut }), 'PROVIDER_BAD_ANSWER', true],
    ['prose', openai({ content: 'Sure, what is the product?' }), 'PROVIDER_BAD_ANSWER', true],
    ['nothing', openai({ content: '' }), 'PROVIDER_BAD_ANSWER', true],
    [
      'an error from OpenRouter',
      completion({ error: { code: 502, message: 'x' }, finish_reason: 'error' }),
      'PROVIDER_UNAVAILABLE',
      true,
    ],
    [
      'an error without a code',
      completion({ error: { message: 'x' }, finish_reason: 'error' }),
      'PROVIDER_BAD_ANSWER',
      true,
    ],
  ])('%s is charged', (_what, answer, code, retryable) => {
    const reading = (): unknown => answerOf(answer, context);
    expect(reading).toThrow(
      expect.objectContaining({
        code,
        retryable,
        charges: [expect.objectContaining({ outcome: 'failed', quantity: 70, stage: 'llm' })],
      }),
    );
  });

  it('counts as truncated when it ends inside the plan at the token limit', () => {
    const full = { ...usage, completion_tokens: 4000 };
    const answer = completion({ message: { content: cut }, finish_reason: 'stop' }, { usage: full });
    expect(() => answerOf(answer, context)).toThrow(expect.objectContaining({ code: 'PLAN_TRUNCATED' }));
  });

  it.each<[string, unknown, string]>([
    ['an error in a 200 response', { error: { code: 429, message: 'slow down' } }, 'PROVIDER_RATE_LIMITED'],
    ['an error with a string code', { error: { code: '503', message: 'busy' } }, 'PROVIDER_UNAVAILABLE'],
    ['an error without a status', { error: { code: 'odd', message: 'x' } }, 'PROVIDER_BAD_ANSWER'],
    ['an HTML page', '<html></html>', 'PROVIDER_BAD_ANSWER'],
    ['nothing', undefined, 'PROVIDER_BAD_ANSWER'],
    ['no choice', { id: 'x', model: 'm', choices: [] }, 'PROVIDER_BAD_ANSWER'],
  ])('%s is not charged', (_what, answer, code) => {
    expect(() => answerOf(answer, context)).toThrow(expect.objectContaining({ code, charges: [] }));
  });

  it('reports its token usage in the error', () => {
    expect(() => answerOf(openai({ content: '{}' }), context)).toThrow(
      /no scene .*\(completion chatcmpl-\w+, 30 \+ 40 tokens\)/,
    );
  });
});

describe('the charge of a completion', () => {
  const used = { completionId: 'c', inputTokens: 1_000_000, outputTokens: 1_000_000 };
  const price = { inputMicros: 1, outputMicros: 2 };
  const failedOf = (model: string, given: object): unknown => {
    try {
      return answerOf(completion({ message: { content: '{}' } }, { model }), { ...context, ...given });
    } catch (error) {
      return error;
    }
  };

  it('uses the price table or the configured price', () => {
    expect(completionCharge({ ...used, model: 'gpt-4o-mini-2024-07-18' }, 'succeeded').amountMicros).toBe(750_000);
    expect(completionCharge({ ...used, model: 'gpt-4o-mini' }, 'succeeded', price).amountMicros).toBe(3);
  });

  it('is marked unpriced, with amount 0, when the price is unknown', () => {
    expect(completionCharge({ ...used, model: 'llama3.1:8b' }, 'succeeded')).toMatchObject({
      ...{ amountMicros: 0, unpriced: true, quantity: 2_000_000 },
    });
    expect(completionCharge({ ...used, model: 'gpt-4o-mini' }, 'succeeded')).not.toHaveProperty('unpriced');
  });

  it.each<[string, string, object, object]>([
    ['an unknown model', 'llama3.1:8b', {}, { amountMicros: 0, unpriced: true }],
    [
      'an unknown model with a price',
      'llama3.1:8b',
      { price: { inputMicros: 0, outputMicros: 1e6 } },
      { amountMicros: 40 },
    ],
    [
      'a deployment that answers with its model',
      'gpt-4o-2024-08-06',
      { model: 'my-deployment' },
      { amountMicros: 475 },
    ],
    ['a server that names its own model', 'served-model', { model: 'gpt-4o' }, { amountMicros: 475 }],
  ])('is part of a failure: %s', (_what, model, given, charge) => {
    expect(failedOf(model, given)).toMatchObject({ code: 'PROVIDER_BAD_ANSWER', charges: [charge] });
  });
});
