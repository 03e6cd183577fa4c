import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HelpRequested, UsageError } from '../../command.line.mjs';
import { type AnalyzeArguments, parseAnalyze, type TraceSource } from '../arguments/analyze.arguments.js';
import { outputOf } from './analyze.output.js';
import { readSource } from './analyze.sources.js';

const DEFAULTS = { dataDir: '.clipmesh', cwd: '/here' };
const parse = (line: string): AnalyzeArguments => parseAnalyze(line === '' ? [] : line.split(' '), DEFAULTS);

describe('arguments of analyze', () => {
  it.each<[string, TraceSource]>([
    ['--generation gen_1', { kind: 'generation', id: 'gen_1', dataDir: '/here/.clipmesh' }],
    ['--generation gen_1 --data /there', { kind: 'generation', id: 'gen_1', dataDir: '/there' }],
    ['--file trace.json', { kind: 'file', path: '/here/trace.json' }],
    ['--jaeger http://j:16686/ --trace 00ff', { kind: 'jaeger-trace', url: 'http://j:16686', traceId: '00ff' }],
    [
      '--jaeger http://j/base --service gateway --last 7',
      { kind: 'jaeger-service', url: 'http://j/base', service: 'gateway', last: 7 },
    ],
    ['--jaeger http://j --service gateway', { kind: 'jaeger-service', url: 'http://j', service: 'gateway', last: 20 }],
  ])('%s', (line, source) => {
    expect(parse(line)).toEqual({ source, json: false, compat: false });
    expect(parse(`${line} --json --compat jaeger`)).toEqual({ source, json: true, compat: true });
  });
  it.each([
    ['', /The source is missing/],
    ['--fil x', /Unknown option '--fil'/],
    ['trace.json', /Unexpected argument/],
    ['--file a --generation b', /one source only/],
    ['--file a --trace b', /need --jaeger URL/],
    ['--file a --data b', /--data needs --generation/],
    ['--file a --compat zipkin', /allowed choices are jaeger\.$/],
    ['--file', /argument missing/],
    ['--jaeger http://j', /either --trace ID, or --service NAME/],
    ['--jaeger http://j --trace a --service b', /either --trace ID, or --service NAME/],
    ['--jaeger http://j --trace nothex', /hex digits/],
    ['--jaeger http://j --trace a --last 3', /--last goes with --service/],
    ['--jaeger http://j --service s --last 0', /whole number from 1 to 1000/],
    ['--jaeger j:16686 --trace a', /--jaeger takes the address/],
  ])('refuses %j in one sentence', (line, message) => {
    expect(() => parse(line)).toThrow(UsageError);
    expect(() => parse(line)).toThrow(message);
  });
  it('throws the help', () => {
    expect(() => parse('--help')).toThrow(HelpRequested);
  });
});

const span = (spanId: string, startMs: number, endMs: number): object => ({
  traceId: 'abc',
  spanId,
  name: spanId,
  startTimeUnixNano: `${1_700_000_000_000 + startMs}000000`,
  endTimeUnixNano: `${1_700_000_000_000 + endMs}000000`,
  attributes: [{ key: 'clipmesh.stage', value: { stringValue: 'clip' } }],
});
const document = (...spans: object[]): object => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
const jaegerTrace = (traceID: string): object => ({
  traceID,
  spans: [{ spanID: 'a', operationName: 'a', startTime: 5, duration: 10, processID: 'p' }],
  processes: { p: { serviceName: 'gateway' } },
});

describe('sources of analyze', () => {
  let server: Server;
  let url: string;
  let folder: string;
  const asked: string[] = [];
  const answers: Record<string, [number, unknown]> = {
    '/api/v3/traces/abc': [200, { result: document(span('a', 0, 100), span('b', 0, 50)) }],
    '/api/traces/01d': [200, { data: [jaegerTrace('01d')] }],
    '/api/traces?service=gateway&limit=2': [200, { data: [jaegerTrace('t1'), jaegerTrace('t2')] }],
    '/api/traces?service=asked&limit=2&operation=publish+generation.plan': [200, { data: [jaegerTrace('made')] }],
    '/api/traces?service=asked&limit=2': [200, { data: [jaegerTrace('question')] }],
    '/api/traces?service=nobody&limit=2': [200, { data: [] }],
  };
  const read = (source: TraceSource, keys: readonly string[] = []): ReturnType<typeof readSource> =>
    readSource(source, {
      signal: AbortSignal.timeout(120_000),
      keys,
      settings: { gateway: url, nats: { url: 'nats://127.0.0.1:1' } },
    });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'analyze-'));
    server = createServer((request, response) => {
      asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`.trim());
      const [status, body] = answers[request.url ?? ''] ?? [
        404,
        { error: { message: 'trace not found' }, traceId: 'f00' },
      ];
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  it('reads a file', async () => {
    const path = join(folder, 'trace.json');
    await writeFile(path, JSON.stringify(document(span('a', 0, 100))));
    expect((await read({ kind: 'file', path })).map(({ traceId }) => traceId)).toEqual(['abc']);
  });
  it('names a missing file, and the error in a broken one', async () => {
    await expect(read({ kind: 'file', path: '/no/such' })).rejects.toThrow(
      /^The file \/no\/such cannot be read \(ENOENT\)/,
    );
    const path = join(folder, 'bad.json');
    await writeFile(path, '{"resourceSpans": 5}');
    await expect(read({ kind: 'file', path })).rejects.toThrow(/bad\.json: OTLP JSON: resourceSpans: /);
    await writeFile(path, '{"resourceSpans": []}');
    await expect(read({ kind: 'file', path })).rejects.toThrow(/bad\.json has no span/);
  });
  it('asks Jaeger for OTLP, then for its own JSON', async () => {
    const [first] = await read({ kind: 'jaeger-trace', url, traceId: 'abc' });
    expect(first?.spans).toHaveLength(2);
    const [old] = await read({ kind: 'jaeger-trace', url, traceId: '01d' });
    expect(old?.spans[0]?.service).toBe('gateway');
    await expect(read({ kind: 'jaeger-trace', url, traceId: 'dead' })).rejects.toThrow(/knows no trace dead\.$/);
  });
  it('asks Jaeger for the last traces of a service, generations first', async () => {
    expect(await read({ kind: 'jaeger-service', url, service: 'gateway', last: 2 })).toHaveLength(2);
    const [made] = await read({ kind: 'jaeger-service', url, service: 'asked', last: 2 });
    expect(made?.traceId).toBe('made');
    const nobody = read({ kind: 'jaeger-service', url, service: 'nobody', last: 2 });
    await expect(nobody).rejects.toThrow(/has no trace of the service nobody/);
  });
  it('reports a Jaeger that does not answer', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const source = { kind: 'jaeger-trace', url: `http://127.0.0.1:${port}`, traceId: 'abc' } as const;
    await expect(read(source)).rejects.toThrow(`Jaeger at http://127.0.0.1:${port} does not answer (ECONNREFUSED)`);
  });
  it('needs a running stack, and a generation that it knows', async () => {
    const source = { kind: 'generation', id: 'gen_1', dataDir: folder } as const;
    await expect(read(source)).rejects.toThrow(
      /^No stack runs on .+; start it with npm run up.+ NATS_URL say: The gateway at http:\S+ knows no generation gen_1\.$/,
    );
    await mkdir(join(folder, 'run'));
    await writeFile(join(folder, 'run', 'stack.json'), JSON.stringify({ gateway: url, nats: 'nats://127.0.0.1:1' }));
    await expect(read(source, ['one', 'two'])).rejects.toThrow(/knows no generation gen_1\.$/);
    expect(asked.slice(-2)).toEqual(['/v1/generations/gen_1 Bearer one', '/v1/generations/gen_1 Bearer two']);
  });

  it('prints tables, JSON, and the path as Jaeger defines it', async () => {
    const source = { kind: 'jaeger-trace', url, traceId: 'abc' } as const;
    const traces = await read(source);
    const as = (options: Partial<AnalyzeArguments>): string =>
      outputOf(traces, { source, json: false, compat: false, ...options });
    expect(as({})).toContain('speed-up 1.50x');
    expect(JSON.parse(as({ json: true }))).toMatchObject({ traceId: 'abc', makespanMs: 100, peakConcurrency: 2 });
    expect(JSON.parse(as({ json: true, compat: true }))).toMatchObject({
      traceId: 'abc',
      criticalPath: [{ spanId: 'a' }, { spanId: 'b' }],
    });
    expect(as({ compat: true })).toMatch(/^ +0\.000 +100\.000 {2}unknown a$/m);
    const many = await read({ kind: 'jaeger-service', url, service: 'gateway', last: 2 });
    const last = { kind: 'jaeger-service', url, service: 'gateway', last: 2 } as const;
    expect(outputOf(many, { source: last, json: false, compat: false })).toMatch(/^2 traces; p50 \/ p95/);
    expect(JSON.parse(outputOf(many, { source: last, json: true, compat: false }))).toMatchObject({ traces: 2 });
  });
});
