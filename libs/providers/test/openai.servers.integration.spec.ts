import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, startSandbox } from '@clipmesh/testing';
import { createOpenAiPlanModel, type OpenAiOptions, type PlanModel } from '../src/index.js';

const request = {
  prompt: 'A kettle that sings.',
  framework: 'PAS',
  sceneCount: 3,
  durationSeconds: 15,
  aspectRatio: '16:9',
} as const;
const never = new AbortController().signal;
/** A call of the chat endpoint, and the status of its response. */
interface Call {
  readonly format: string;
  readonly fields: readonly string[];
  readonly authorization: string | undefined;
  status: number;
}

let sandbox: Sandbox;
/** Forwards to the sandbox and records the calls. */
let recorder: Server;
let calls: Call[];

beforeAll(async () => {
  sandbox = await startSandbox();
  recorder = createServer((incoming, outgoing) => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
    incoming.on('end', () => {
      const { authorization } = incoming.headers;
      const body = JSON.parse(text || '{}') as Record<string, unknown>;
      const { type: format } = (body.response_format ?? { type: 'text' }) as { type: string };
      const names = ['store', 'metadata', 'max_completion_tokens', 'max_tokens'];
      const call: Call = { format, fields: names.filter((name) => name in body), authorization, status: 0 };
      calls.push(call);
      const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) };
      const method = incoming.method ?? 'GET';
      void fetch(`${sandbox.url}${incoming.url}`, {
        method,
        headers,
        ...(method === 'GET' ? {} : { body: text }),
      }).then(async (answer) => {
        call.status = answer.status;
        outgoing.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      });
    });
  });
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  recorder.closeAllConnections();
  recorder.close();
  await sandbox.stop();
});
beforeEach(() => {
  calls = [];
});

const modelAt = (chatServer: string, more: Partial<OpenAiOptions> = {}): Promise<PlanModel> =>
  sandbox
    .scenario({ chatServer })
    .then(() => sandbox.clearInvoice())
    .then(() =>
      createOpenAiPlanModel({
        ...{ apiKey: 'k', model: 'gpt-4o-mini', timeoutMs: 120_000, store: true },
        ...{ maxTokens: { usual: 4000, retry: 16_000 }, maxTokensField: 'max_completion_tokens' },
        baseUrl: `http://127.0.0.1:${(recorder.address() as AddressInfo).port}/v1`,
        ...more,
      }),
    );
const KEPT = ['store', 'metadata'];

describe('a server of the chat API', () => {
  // Server, calls of the first plan, format and fields of every later one.
  it.each<[string, number, string, string[]]>([
    ['openai', 1, 'json_schema', [...KEPT, 'max_completion_tokens']],
    ['ollama', 1, 'json_schema', [...KEPT, 'max_completion_tokens']],
    ['deepseek', 2, 'json_object', [...KEPT, 'max_completion_tokens']],
    ['groq', 3, 'json_object', ['max_completion_tokens']],
    ['mistral', 2, 'json_schema', ['max_tokens']],
    ['vllm', 2, 'json_object', ['max_tokens']],
    ['llama.cpp', 2, 'json_object', [...KEPT, 'max_completion_tokens']],
    ['anthropic', 3, 'text', [...KEPT, 'max_completion_tokens']],
    ['gemini', 2, 'json_schema', ['max_completion_tokens']],
  ])(
    'like %s writes a plan after %i calls, one of them charged, and is then asked for %s',
    async (server, count, format, fields) => {
      const model = await modelAt(server);
      const first = await model.draft(request, 'gen_1.llm.1', never);
      expect(first.draft.scenes).toHaveLength(3);
      expect(calls.map(({ status }) => status < 400)).toEqual([...Array<boolean>(count - 1).fill(false), true]);
      expect((await sandbox.invoice()).completions.map(({ id }) => id)).toEqual([first.completionId]);

      const second = await model.draft(request, 'gen_2.llm.1', never);
      expect(second.draft).toEqual(first.draft);
      expect(calls.slice(count)).toMatchObject([{ format, fields, status: 200 }]);
      expect((await sandbox.invoice()).completions).toHaveLength(2);
    },
  );

  it.each(['ollama', 'vllm', 'llama.cpp'])('like %s needs no key, and gets no Authorization', async (server) => {
    const model = await modelAt(server, { apiKey: undefined });
    expect((await model.draft(request, 'gen_1.llm.1', never)).draft.scenes).toHaveLength(3);
    expect(new Set(calls.map(({ authorization }) => authorization))).toEqual(new Set([undefined]));
  });

  it('that needs a key says so, without a charge', async () => {
    const model = await modelAt('deepseek', { apiKey: undefined });
    await expect(model.draft(request, 'gen_1.llm.1', never)).rejects.toMatchObject({
      code: 'PROVIDER_AUTH',
      charges: [],
    });
    expect(calls).toHaveLength(1);
  });

  it('that stores nothing is not asked for a lost answer', async () => {
    const model = await modelAt('mistral');
    await model.draft(request, 'gen_1.llm.1', never);
    calls = [];
    expect(await model.find('gen_1.llm.1', never)).toBeUndefined();
    expect(calls).toEqual([]);
  });

  it('that ignores the format gets the schema in its next prompt', async () => {
    const model = await modelAt('openai');
    await sandbox.scenario({ badPlanFirst: true });
    await expect(model.draft(request, 'gen_1.llm.1', never)).rejects.toMatchObject({ code: 'PROVIDER_BAD_ANSWER' });
    const { inputTokens } = await model.draft(request, 'gen_1.llm.2', never);
    const { inputTokens: usual } = await (await modelAt('openai')).draft(request, 'gen_2.llm.1', never);
    expect(inputTokens).toBeGreaterThan(usual);
    expect(inputTokens).toBeLessThan(1000);
  });

  it('without a price costs nothing when its price is set to 0', async () => {
    const model = await modelAt('ollama', { model: 'llama3.1:8b', price: { inputMicros: 0, outputMicros: 0 } });
    expect(model.quoteMicros).toBe(0);
    const charge = model.charge(await model.draft(request, 'gen_1.llm.1', never), 'succeeded');
    expect(charge).toMatchObject({ amountMicros: 0, unit: 'token' });
    expect(charge).not.toHaveProperty('unpriced');
  });
});
