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
  it('writes JSON lines with service, level and ISO time, and no trace outside of one', () => {
    const output = logLines();
    createLogger({ service: 'planner', level: 'info' }, output).info({ scenes: 4 }, 'planned');
    expect(output.lines).toEqual([
      expect.objectContaining({ level: 'info', service: 'planner', scenes: 4, msg: 'planned' }),
    ]);
    expect(output.lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(output.lines[0]).not.toHaveProperty('trace_id');
  });

  it('never writes secrets, wherever they stand', () => {
    const output = logLines();
    const secret = 'open-sesame';
    createLogger({ service: 's', level: 'info' }, output).info({
      token: secret,
      key: secret,
      request: { headers: { authorization: secret, accept: 'text/html' }, apiKey: secret },
    });
    expect(JSON.stringify(output.lines)).not.toContain(secret);
    expect(output.lines[0]).toMatchObject({ token: '[redacted]', request: { headers: { accept: 'text/html' } } });
  });

  it('says an error in its own words, and its causes in the stack', () => {
    const output = logLines();
    const error = new Error('the store is away', { cause: new Error('connect ECONNREFUSED') });
    createLogger({ service: 's', level: 'info' }, output).warn({ err: error }, 'not saved');
    const { err } = output.lines[0] as { err: { type: string; message: string; stack: string } };
    expect(err).toMatchObject({ type: 'Error', message: 'the store is away' });
    expect(err.stack).toContain('caused by: Error: connect ECONNREFUSED');
  });

  it('carries the ids of the active span, which the traceparent names too', async () => {
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

  it('records an error on its span and throws it on', async () => {
    memory.reset();
    const failure = new Error('no clip');
    await expect(withSpan('test', 'fails', {}, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(memory.getFinishedSpans()[0]).toMatchObject({ name: 'fails', status: { code: 2, message: 'no clip' } });
  });

  it("takes Nest's lines: its chatter as debug, errors as errors", () => {
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
