import { node } from '@opentelemetry/sdk-node';
import { context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger, nestLogger } from './logger.js';
import { currentTraceparent, withSpan } from './spans.js';

const memory = new InMemorySpanExporter();

function logLines(): { write: (line: string) => void; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
}

beforeAll(() => {
  new node.NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }).register();
});
afterAll(() => {
  trace.disable();
  context.disable();
});

describe('the log', () => {
  it('writes JSON lines with service, level and ISO time, and no trace id outside a span', () => {
    const output = logLines();
    createLogger({ service: 'planner', level: 'info' }, output).info({ scenes: 4 }, 'planned');
    expect(output.lines).toEqual([
      expect.objectContaining({ level: 'info', service: 'planner', scenes: 4, msg: 'planned' }),
    ]);
    expect(output.lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(output.lines[0]).not.toHaveProperty('trace_id');
  });

  const line = (fields: object, text?: string): Record<string, unknown> => {
    const output = logLines();
    const secrets = ['REPLICATE_API_TOKEN', 'FAL_KEY', 'falKey', 'OPENAI_API_KEY'];
    const logger = createLogger({ service: 's', level: 'info', secrets }, output);
    if (text === undefined) logger.info(fields);
    else logger.info(fields, text);
    return output.lines[0] ?? {};
  };
  const SECRET = 'open-sesame';

  it.each<[string, object]>([
    ['a token', { token: SECRET }],
    ['a header', { request: { headers: { authorization: `Bearer ${SECRET}`, accept: 'text/html' } } }],
    ['a capitalised header', { headers: { Authorization: SECRET, 'X-Api-Key': SECRET, 'Set-Cookie': [SECRET] } }],
    ['a proxy header', { headers: { 'proxy-authorization': SECRET, cookie: SECRET } }],
    ['the configuration', { config: { falKey: SECRET, openaiApiKey: SECRET, webhookSecret: SECRET } }],
    ['the environment', { env: { REPLICATE_API_TOKEN: SECRET, FAL_KEY: SECRET, API_KEYS: SECRET } }],
    ['owner keys', { apiKeys: [`ann:${SECRET}`] }],
    ['a secret in a list', { webhooks: [{ id: 'wh_1', secret: SECRET }, { secrets: [SECRET] }] }],
    ['a deeply nested secret', { a: { b: { c: { d: { password: SECRET } } } } }],
    [
      'a secret in an error',
      { err: Object.assign(new Error('no'), { config: { headers: { authorization: SECRET } } }) },
    ],
    ['an error under another name', { cause: Object.assign(new Error('no'), { token: SECRET }) }],
    ['the password of a broker address', { url: `nats://ann:${SECRET}@broker:4222/x` }],
    ['the password of an address in an error', { err: new Error(`connect mongodb://ann:${SECRET}@db/x refused`) }],
    ['the password of a URL', { url: new URL(`https://ann:${SECRET}@example.com/x`) }],
    ['an S3 client', { client: { accessKey: SECRET, secretAccessKey: SECRET, session_token: SECRET } }],
  ])('never writes %s', (_what, fields) => {
    expect(JSON.stringify(line(fields))).not.toContain(SECRET);
  });

  it('redacts the password of an address in the message', () => {
    expect(line(new Error(`nats://ann:${SECRET}@broker:4222 is unreachable`))).toMatchObject({
      msg: 'nats://[redacted]@broker:4222 is unreachable',
      err: { type: 'Error', message: 'nats://[redacted]@broker:4222 is unreachable' },
    });
    const { msg } = line({}, `cannot reach nats://ann:${SECRET}@broker:4222`);
    expect(msg).toBe('cannot reach nats://[redacted]@broker:4222');
  });

  it.each<[string, Record<string, unknown>]>([
    ['a purchase', { generationId: 'gen_1', key: 'llm.1', completionId: 'chatcmpl-1' }],
    ['a purchase with two predictions', { key: 'clip.3.1', theirs: 'p1', ours: 'p2' }],
    ['a charge', { charge: { key: 'prediction:p1', kind: 'clip', amountMicros: 480_000 } }],
    ['charges in a list', { charges: [{ key: 'completion:c1' }, { key: 'prediction:p1' }] }],
    ['an artifact', { artifact: { key: 'ab/abcd.mp4', sha256: 'abcd' } }],
    ['a cache entry', { cacheKey: 'f00d', idempotencyKey: 'k1', keys: ['a'] }],
    ['token usage', { inputTokens: 120, outputTokens: 800, tokens: 920, maxTokens: 4000 }],
    [
      'a field whose name contains a secret name',
      { tokenizer: 'o200k', passed: true, secretary: 'ann', authorizationUrl: 'https://x/y' },
    ],
    ['an empty value', { token: null, apiKey: undefined, text: 'a:b@c, mail ann@example.com' }],
    ['a URL without credentials', { url: 'https://example.com/a@b?c=d@e' }],
  ])('writes %s unchanged', (_what, fields) => {
    expect(line(fields)).toMatchObject(JSON.parse(JSON.stringify(fields)) as object);
  });

  it('keeps fields next to a secret and handles circular references', () => {
    const request: Record<string, unknown> = { headers: { authorization: SECRET, accept: 'text/html' } };
    request['self'] = request;
    expect(line({ request, at: new Date(0) })).toMatchObject({
      request: { headers: { authorization: '[redacted]', accept: 'text/html' }, self: '[circular]' },
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  it("writes an error's own message and its causes in the stack", () => {
    const output = logLines();
    const error = new Error('the store is unavailable', { cause: new Error('connect ECONNREFUSED') });
    createLogger({ service: 's', level: 'info' }, output).warn({ err: error }, 'not saved');
    const { err } = output.lines[0] as { err: { type: string; message: string; stack: string } };
    expect(err).toMatchObject({ type: 'Error', message: 'the store is unavailable' });
    expect(err.stack).toContain('caused by: Error: connect ECONNREFUSED');
  });

  it('writes the ids of the active span, as in its traceparent', async () => {
    const output = logLines();
    const logger = createLogger({ service: 's', level: 'info' }, output);
    const parent = await withSpan('test', 'work', {}, (span) => {
      logger.info('inside');
      const { traceId, spanId } = span.spanContext();
      expect(currentTraceparent()).toBe(`00-${traceId}-${spanId}-01`);
      return Promise.resolve({ trace_id: traceId, span_id: spanId });
    });
    expect(output.lines[0]).toMatchObject(parent);
    expect(currentTraceparent()).toBeUndefined();
  });

  it('records an error on its span and rethrows it', async () => {
    memory.reset();
    const failure = new Error('no clip');
    await expect(withSpan('test', 'fails', {}, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(memory.getFinishedSpans()[0]).toMatchObject({ name: 'fails', status: { code: 2, message: 'no clip' } });
  });

  it("writes Nest's logs as debug and its errors as errors", () => {
    const output = logLines();
    const nest = nestLogger(createLogger({ service: 's', level: 'debug' }, output));
    nest.log('started', 'NestApplication');
    nest.error(new Error('boom'), 'Router');
    expect(output.lines).toEqual([
      expect.objectContaining({ level: 'debug', msg: 'started', context: 'NestApplication' }),
      expect.objectContaining({ level: 'error', msg: 'boom', context: 'Router' }),
    ]);
  });
});
