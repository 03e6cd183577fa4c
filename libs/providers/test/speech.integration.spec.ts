import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, startSandbox, type TempFolder, tempFolder } from '@clipmesh/testing';
import {
  createOpenAiSpeechModel,
  type OpenAiSpeechOptions,
  type SpeechModel,
  type SpeechRequest,
} from '../src/index.js';

const TIMEOUT_MS = 120_000;
const never = new AbortController().signal;
const WAV = Buffer.from('RIFF\0\0\0\0WAVEfmt and some samples');
interface Call {
  readonly body: Record<string, unknown>;
  readonly headers: IncomingHttpHeaders;
}

let folder: TempFolder;
let server: Server;
let calls: Call[];
let answer: (response: ServerResponse, call: Call) => void;
let file: string;

beforeAll(async () => {
  folder = await tempFolder('speech');
  file = join(folder.path, 'speech');
});
afterAll(() => folder.remove());
beforeEach(async () => {
  calls = [];
  answer = (response) => response.writeHead(200, { 'content-type': 'audio/wav' }).end(WAV);
  server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      const call = { body, headers: incoming.headers };
      calls.push(call);
      answer(outgoing, call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const modelOf = (more: Partial<OpenAiSpeechOptions> = {}): SpeechModel =>
  createOpenAiSpeechModel({
    ...{ apiKey: 'k', model: 'tts-1', timeoutMs: TIMEOUT_MS, maxBytes: 1_000_000 },
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    ...more,
  });
const speak = (model: SpeechModel, request: Partial<SpeechRequest> = {}, signal = never) =>
  model.speak({ text: 'hello there', ...request }, { key: 'speech.1', file, signal });
const json =
  (status: number, body: object, headers = {}) =>
  (response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const problem = (message: string, code: string | null = null): object => ({ error: { message, code } });
const events =
  (...list: object[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.end(list.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
  };
const delta = (bytes: Uint8Array) => ({ type: 'speech.audio.delta', audio: Buffer.from(bytes).toString('base64') });
const done = { type: 'speech.audio.done', usage: { input_tokens: 3, output_tokens: 40, total_tokens: 43 } };

describe('a call of the speech API', () => {
  it('has the fields that the request needs, and no others', async () => {
    await speak(modelOf());
    await speak(modelOf({ voice: 'nova', instructions: 'softly' }), { speed: 1.5 });
    await speak(modelOf(), { voice: 'onyx', speed: 1, language: 'de' });
    const usual = { model: 'tts-1', input: 'hello there', voice: 'alloy', response_format: 'wav' };
    expect(calls.map(({ body }) => body)).toEqual([
      usual,
      { ...usual, voice: 'nova', speed: 1.5, instructions: 'softly' },
      { ...usual, voice: 'onyx' },
    ]);
    expect(calls[0]?.headers).toMatchObject({ authorization: 'Bearer k', 'x-client-request-id': 'speech.1' });
  });

  it('writes the audio to the file, with its type by its bytes', async () => {
    answer = (response) => response.writeHead(200).end(WAV);
    expect(await speak(modelOf())).toEqual({ bytes: WAV.length, contentType: 'audio/wav' });
    expect(await readFile(file)).toEqual(WAV);
  });

  it('of a server without a key has no authorization', async () => {
    await speak(modelOf({ apiKey: undefined }));
    expect(calls[0]?.headers.authorization).toBeUndefined();
  });

  it('asks for events where the price is per token, and reads their tokens', async () => {
    answer = events(delta(WAV.subarray(0, 10)), { type: 'unknown' }, delta(WAV.subarray(10)), done);
    const model = modelOf({ model: 'gpt-4o-mini-tts' });
    const spoken = await speak(model);
    expect(spoken).toEqual({ bytes: WAV.length, contentType: 'audio/wav', tokens: { input: 3, output: 40 } });
    expect(await readFile(file)).toEqual(WAV);
    expect(calls[0]?.body).toMatchObject({ stream_format: 'sse' });
    const work = { key: 'k', request: { text: 'hello there' }, outcome: 'succeeded' } as const;
    expect(model.charge({ ...work, tokens: spoken.tokens })).toMatchObject({
      ...{ key: 'speech:k', kind: 'speech', stage: 'audio', provider: 'openai', model: 'gpt-4o-mini-tts' },
      ...{ quantity: 11, unit: 'character', sku: 'token', amountMicros: 482, outcome: 'succeeded' },
    });
  });

  it('writes nothing and calls nobody when the intent cannot be stored, or the work was canceled', async () => {
    const beforeSend = (): Promise<void> => Promise.reject(new Error('no store'));
    const call = { key: 'k', file, signal: never, beforeSend };
    await expect(modelOf().speak({ text: 'hello' }, call)).rejects.toThrow('no store');
    await expect(speak(modelOf(), {}, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELED' });
    const caller = new AbortController();
    const abort = (): Promise<void> => {
      caller.abort();
      return Promise.resolve();
    };
    const late = { key: 'k', file, signal: caller.signal, beforeSend: abort };
    await expect(modelOf().speak({ text: 'hello' }, late)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(calls).toEqual([]);
  });

  it('goes on when it is aborted after it was sent: its answer is paid for', async () => {
    const caller = new AbortController();
    answer = (response) => {
      caller.abort();
      response.end(WAV);
    };
    expect(await speak(modelOf(), {}, caller.signal)).toMatchObject({ bytes: WAV.length });
  });

  it.each([
    ['without a word', '…!', /nothing to speak/],
    ['of too many characters', '🎉a'.repeat(2049), /4098 characters; at most 4096/],
  ])('is not made for a text %s', async (_name, text, message) => {
    await expect(speak(modelOf(), { text })).rejects.toMatchObject({
      ...{ code: 'PROVIDER_BAD_INPUT', retryable: false },
      message: expect.stringMatching(message) as unknown,
    });
    expect(calls).toEqual([]);
  });
});

describe('a failed call', () => {
  it.each<[string, number, object, object, object]>([
    [
      'a rate limit',
      429,
      problem('slow down'),
      { 'retry-after': '7' },
      { code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 7000 },
    ],
    [
      'no credit',
      429,
      problem('quota', 'insufficient_quota'),
      {},
      { code: 'PROVIDER_OUT_OF_CREDIT', retryable: false },
    ],
    ['a wrong key', 401, problem('no'), {}, { code: 'PROVIDER_AUTH', retryable: false }],
    [
      'an unknown voice',
      400,
      problem("[{'type': 'enum', 'loc': ('body', 'voice')}]"),
      {},
      { code: 'PROVIDER_BAD_INPUT', retryable: false },
    ],
    ['an unknown model', 404, problem('no such model', 'model_not_found'), {}, { code: 'PROVIDER_BAD_INPUT' }],
    [
      'a refused text',
      400,
      problem('no', 'content_policy_violation'),
      {},
      { code: 'PREDICTION_REFUSED', retryable: false },
    ],
    ['an outage', 503, problem('later'), {}, { code: 'PROVIDER_UNAVAILABLE', retryable: true }],
  ])('with %s has a code, and costs nothing', async (_name, status, body, headers, failure) => {
    answer = json(status, body, headers);
    await expect(speak(modelOf())).rejects.toMatchObject({ ...failure, charges: [] });
    expect(calls).toHaveLength(1);
  });

  it('without an answer has an unknown outcome', async () => {
    answer = (response) => response.destroy();
    await expect(speak(modelOf())).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: true,
      charges: [],
    });
    answer = () => undefined;
    await expect(speak(modelOf({ timeoutMs: 50 }))).rejects.toMatchObject({ code: 'PROVIDER_TIMEOUT', charges: [] });
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['nothing', (response) => response.end(), /empty/],
    [
      'a page',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Sign in</title>'),
      /text\/html, not audio: <title>Sign in/,
    ],
    ['an error', json(200, problem('overloaded')), /application\/json, not audio: .*overloaded/],
    ['a page without a type', (response) => response.end('<title>x</title>'), /not an audio file/],
    ['too much', (response) => response.end(Buffer.concat([WAV, Buffer.alloc(2000)])), /larger than 1000 bytes/],
    [
      'half of it',
      (response) => {
        response.writeHead(200, { 'content-length': '5000' });
        response.write(WAV, () => response.destroy());
      },
      /speech:/,
    ],
    ['events without an end', events(delta(WAV)), /end before the audio does/],
    ['events without usage', events(delta(WAV), { type: 'speech.audio.done' }), /no usage/],
    ['events without audio', events(done), /empty/],
    [
      'events that are not JSON',
      (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {\n\n'),
      /cannot be read/,
    ],
    ['endless events', events(delta(Buffer.alloc(1600)), done), /larger than/],
  ])('whose answer is %s is charged, and leaves no file', async (_name, reply, message) => {
    answer = reply;
    await expect(speak(modelOf({ maxBytes: 1000 }))).rejects.toMatchObject({
      message: expect.stringMatching(message) as unknown,
      charges: [{ key: 'speech:speech.1', amountMicros: 165, outcome: 'failed' }],
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('is charged at the highest price when nobody knows how long its audio was', async () => {
    answer = (response) => response.end();
    const model = modelOf({ model: 'own', price: { per: 'minute', micros: 15_000 } });
    const quoted = model.quote({ text: 'hello there' })?.micros;
    await expect(speak(model)).rejects.toMatchObject({
      charges: [{ amountMicros: quoted, sku: 'minute', assumed: true }],
    });
    const work = { key: 'k', request: { text: 'hello there' }, outcome: 'succeeded', seconds: 2 } as const;
    expect(model.charge(work)).toMatchObject({ amountMicros: 500 });
    expect(model.charge(work)).not.toHaveProperty('assumed');
    expect(modelOf({ model: 'unknown' }).charge(work)).toMatchObject({ amountMicros: 0, unpriced: true });
  });
});

describe('a server of the speech API', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox();
  });
  afterAll(() => sandbox.stop());

  it.each<[string, Partial<OpenAiSpeechOptions>, number, Record<string, unknown>]>([
    ['openai', { model: 'tts-1' }, 1, { response_format: 'wav', speed: 1.25, instructions: 'softly' }],
    [
      'openai',
      { model: 'gpt-4o-mini-tts' },
      1,
      { response_format: 'wav', speed: 1.25, instructions: 'softly', stream_format: 'sse' },
    ],
    [
      'kokoro',
      { model: 'kokoro', apiKey: undefined },
      1,
      { response_format: 'wav', speed: 1.25, instructions: 'softly' },
    ],
    [
      'groq',
      { model: 'canopylabs/orpheus-v1-english' },
      1,
      { response_format: 'wav', speed: 1.25, instructions: 'softly' },
    ],
    [
      'strict',
      { model: 'own', apiKey: undefined, price: { per: 'token', inputMicros: 1, outputMicros: 1 } },
      4,
      { response_format: 'flac', speed: 1.25 },
    ],
  ])('%s with %j speaks, and is asked once for what it cannot do', async (speechServer, more, first, fields) => {
    await sandbox.scenario({ speechServer });
    answer = (response, { body, headers }) => {
      const { authorization, 'x-client-request-id': key } = headers;
      const sent = { 'content-type': 'application/json', 'x-client-request-id': String(key) };
      void fetch(`${sandbox.url}/v1/audio/speech`, {
        method: 'POST',
        headers: { ...sent, ...(authorization === undefined ? {} : { authorization }) },
        body: JSON.stringify(body),
      }).then(async (reply) => {
        const type = reply.headers.get('content-type') ?? '';
        response.writeHead(reply.status, { 'content-type': type }).end(Buffer.from(await reply.arrayBuffer()));
      });
    };
    const model = modelOf({ instructions: 'softly', ...more });
    const spoken = await speak(model, { speed: 1.25 });
    expect(spoken.bytes).toBeGreaterThan(1000);
    expect(calls).toHaveLength(first);
    await speak(model, { speed: 1.25 });
    expect(calls).toHaveLength(first + 1);
    const { model: _model, input: _input, voice: _voice, ...optional } = calls.at(-1)!.body;
    expect(optional).toEqual(fields);
  });

  it('is charged as in its invoice', async () => {
    await sandbox.scenario({});
    await sandbox.clearInvoice();
    let sum = 0;
    for (const name of ['tts-1', 'tts-1-hd', 'gpt-4o-mini-tts']) {
      const model = modelOf({ model: name, baseUrl: `${sandbox.url}/v1` });
      const request = { text: `hello from ${name} 🎉` };
      const { tokens } = await model.speak(request, { key: `speech.${name}`, file, signal: never });
      const charge = model.charge({ key: `speech.${name}`, request, tokens, outcome: 'succeeded' });
      expect(charge?.amountMicros).toBeLessThanOrEqual(model.quote(request)?.micros ?? 0);
      sum += charge?.amountMicros ?? 0;
    }
    const { speech, totalUsd } = await sandbox.invoice();
    expect(speech).toMatchObject([{ id: 'speech.tts-1' }, { id: 'speech.tts-1-hd' }, { id: 'speech.gpt-4o-mini-tts' }]);
    expect(Math.round(totalUsd * 1e6)).toBe(sum);
  });
});
