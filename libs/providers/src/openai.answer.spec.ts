import { describe, expect, it } from '@jest/globals';
import { answerOf, completionCharge } from './openai.answer.js';

const style = { style: 's', palette: 'p', lighting: 'l', composition: 'c', mood: 'm', subject: 'a kettle' };
const json = JSON.stringify({
  title: 'Tea',
  style,
  scenes: [{ role: 'problem', description: 'Steam', durationSeconds: 4, overlayText: 'Hot' }],
});
const usage = { prompt_tokens: 30, completion_tokens: 40, total_tokens: 70 };
const asked = { model: 'asked', key: 'gen_1.llm.1', maxTokens: 4000 };

const completion = (choice: object, more: object = {}): object => ({
  ...{ id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT', object: 'chat.completion', created: 1, model: 'gpt-4o-mini' },
  ...{ choices: [{ index: 0, ...choice }], usage, ...more },
});
/** As OpenAI answers. */
const openai = (message: object, finish = 'stop'): object =>
  completion({
    message: { role: 'assistant', content: null, refusal: null, annotations: [], ...message },
    logprobs: null,
    finish_reason: finish,
  });
/** As vLLM answers. */
const vllm = (message: object, finish = 'stop'): object =>
  completion(
    {
      message: { role: 'assistant', content: null, reasoning_content: null, tool_calls: [], ...message },
      ...{ logprobs: null, finish_reason: finish, stop_reason: null },
    },
    { prompt_logprobs: null, kv_transfer_params: null },
  );
/** As Ollama answers. */
const ollama = (message: object, finish = 'stop'): object =>
  completion(
    { message: { role: 'assistant', ...message }, finish_reason: finish },
    { id: 'chatcmpl-412', system_fingerprint: 'fp_ollama' },
  );

describe('a completion with a plan', () => {
  it.each<[string, object]>([
    ['of OpenAI', openai({ content: json })],
    ['of vLLM', vllm({ content: json, reasoning_content: 'Three scenes.' })],
    ['of vLLM, whose parser took the plan for thoughts', vllm({ reasoning_content: json })],
    [
      'of vLLM, whose parser cut the plan in two',
      vllm({ content: json.slice(0, 40), reasoning_content: json.slice(40) }),
    ],
    ['of Ollama', ollama({ content: `\`\`\`json\n${json}\n\`\`\`` })],
    ['of Ollama, with thoughts', ollama({ content: json, reasoning: 'Hm.' })],
    [
      'of Mistral, in parts',
      openai({
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: json },
        ],
      }),
    ],
    ['that ended when it was whole', openai({ content: `${json}${' '.repeat(99)}` }, 'length')],
    ['without a reason for its end', completion({ message: { content: json } })],
  ])('%s', (_what, answer) => {
    expect(answerOf(answer, asked)).toMatchObject({
      draft: { title: 'Tea', style, scenes: [{ description: 'Steam' }] },
      ...{ inputTokens: 30, outputTokens: 40, model: 'gpt-4o-mini' },
    });
  });

  it('has an id of its own, though the server draws it from a thousand', () => {
    const ids = ['gen_1.llm.1', 'gen_1.llm.2'].map((key) => answerOf(ollama({ content: json }), { ...asked, key }));
    expect(ids.map(({ completionId }) => completionId)).toEqual([
      'chatcmpl-412.gen_1.llm.1',
      'chatcmpl-412.gen_1.llm.2',
    ]);
    const bare = completion({ message: { content: json } }, { id: undefined, model: null });
    expect(answerOf(bare, asked)).toMatchObject({ completionId: 'completion.gen_1.llm.1', model: 'asked' });
  });

  it('without usage counts a byte as a token', () => {
    const bare = completion({ message: { content: json } }, { usage: null });
    expect(answerOf(bare, asked)).toMatchObject({ inputTokens: 0, outputTokens: json.length });
  });
});

describe('a completion without one', () => {
  const cut = json.slice(0, 60);
  it.each<[string, object, string, boolean]>([
    ['a refusal', openai({ refusal: "I'm sorry, I can't assist with that." }), 'PREDICTION_REFUSED', false],
    ['the content filter', openai({ content: cut }, 'content_filter'), 'PREDICTION_REFUSED', false],
    ['the filter of a whole plan', openai({ content: json }, 'content_filter'), 'PREDICTION_REFUSED', false],
    ['Gemini', openai({}, 'content_filter: PROHIBITED_CONTENT'), 'PREDICTION_REFUSED', false],
    ['Gemini, without a message', completion({ finish_reason: 'content_filter' }), 'PREDICTION_REFUSED', false],
    ['an answer that is cut off', openai({ content: cut }, 'length'), 'PLAN_TRUNCATED', true],
    [
      'thoughts that took all room',
      vllm({ content: '', reasoning_content: 'Hm, so' }, 'length'),
      'PLAN_TRUNCATED',
      true,
    ],
    ['an empty answer of Ollama', ollama({ content: '', reasoning: 'Hm' }, 'length'), 'PLAN_TRUNCATED', true],
    ['a full context of Mistral', openai({ content: cut }, 'model_length'), 'PLAN_TRUNCATED', true],
    ['a cut-off answer that is said to be whole', openai({ content: cut }), 'PROVIDER_BAD_ANSWER', true],
    ['prose', openai({ content: 'Sure, what is the product?' }), 'PROVIDER_BAD_ANSWER', true],
    ['nothing', openai({ content: '' }), 'PROVIDER_BAD_ANSWER', true],
    [
      'an error of OpenRouter',
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
    const reading = (): unknown => answerOf(answer, asked);
    expect(reading).toThrow(
      expect.objectContaining({
        code,
        retryable,
        charges: [expect.objectContaining({ outcome: 'failed', quantity: 70, stage: 'llm' })],
      }),
    );
  });

  it('is cut off, too, where it ends inside the plan with its most tokens', () => {
    const full = { ...usage, completion_tokens: 4000 };
    const answer = completion({ message: { content: cut }, finish_reason: 'stop' }, { usage: full });
    expect(() => answerOf(answer, asked)).toThrow(expect.objectContaining({ code: 'PLAN_TRUNCATED' }));
  });

  it.each<[string, unknown, string]>([
    ['an error in a 200', { error: { code: 429, message: 'slow down' } }, 'PROVIDER_RATE_LIMITED'],
    ['an error whose code is a text', { error: { code: '503', message: 'busy' } }, 'PROVIDER_UNAVAILABLE'],
    ['an error without a status', { error: { code: 'odd', message: 'x' } }, 'PROVIDER_BAD_ANSWER'],
    ['a page', '<html></html>', 'PROVIDER_BAD_ANSWER'],
    ['nothing', undefined, 'PROVIDER_BAD_ANSWER'],
    ['no choice', { id: 'x', model: 'm', choices: [] }, 'PROVIDER_BAD_ANSWER'],
  ])('%s is not', (_what, answer, code) => {
    expect(() => answerOf(answer, asked)).toThrow(expect.objectContaining({ code, charges: [] }));
  });

  it('says what it used', () => {
    expect(() => answerOf(openai({ content: '{}' }), asked)).toThrow(
      /no scene .*\(completion chatcmpl-\w+, 30 \+ 40 tokens\)/,
    );
  });
});

describe('the charge of a completion', () => {
  const used = { completionId: 'c', inputTokens: 1_000_000, outputTokens: 1_000_000 };
  const price = { inputMicros: 1, outputMicros: 2 };
  const failedOf = (model: string, given: object): unknown => {
    try {
      return answerOf(completion({ message: { content: '{}' } }, { model }), { ...asked, ...given });
    } catch (error) {
      return error;
    }
  };

  it('is by the table, or by the configured price', () => {
    expect(completionCharge({ ...used, model: 'gpt-4o-mini-2024-07-18' }, 'succeeded').amountMicros).toBe(750_000);
    expect(completionCharge({ ...used, model: 'gpt-4o-mini' }, 'succeeded', price).amountMicros).toBe(3);
  });

  it('says that the price is not known, and names no amount', () => {
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
  ])('is told with a failure, too: %s', (_what, model, given, charge) => {
    expect(failedOf(model, given)).toMatchObject({ code: 'PROVIDER_BAD_ANSWER', charges: [charge] });
  });
});
