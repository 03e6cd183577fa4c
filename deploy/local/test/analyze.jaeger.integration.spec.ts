import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { analyze, parseTrace, type Trace } from '@clipmesh/trace-analysis';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed, so not a package
import { findServerOrSkip } from '../../test-servers/find.server.mjs';
import { readSource } from '../src/analyze/analyze.sources.js';
import { type TraceSource } from '../src/arguments/analyze.arguments.js';
import { freePorts } from '../src/stack/ports.js';

const START_MS = 120_000;
const ARRIVE_MS = 120_000;
const TRACE_ID = '5de7f58866240624a6a3d33a8b974a96';

const program = await findServerOrSkip('jaeger');

type Attributes = Record<string, string | number>;
const startNs = (ms: number): string => `${Date.now() - 60_000 + ms}000000`;
const span = (
  spanId: string,
  kind: number,
  [from, to]: readonly [number, number],
  parentSpanId: string,
  attributes: Attributes = {},
  links: readonly string[] = [],
): object => ({
  traceId: TRACE_ID,
  spanId,
  parentSpanId,
  name: `span ${spanId}`,
  kind,
  startTimeUnixNano: startNs(from),
  endTimeUnixNano: startNs(to),
  attributes: Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  })),
  links: links.map((link) => ({ traceId: TRACE_ID, spanId: link })),
});

/** Two parallel clips after a publish, and a stitch that is a child of one and links to the other. */
function videoTrace(): object {
  const clip = { 'clipmesh.stage': 'clip', 'clipmesh.pool.size': 2 };
  const spans = [
    span('0000000000000001', 2, [0, 20], ''),
    span('0000000000000002', 4, [5, 15], '0000000000000001'),
    span('0000000000000003', 5, [20, 520], '0000000000000002', { ...clip, 'clipmesh.scene.index': 0 }),
    span('0000000000000004', 5, [20, 820], '0000000000000002', {
      ...clip,
      'clipmesh.scene.index': 1,
      'messaging.consumer.group.name': 'other',
    }),
    span('0000000000000005', 4, [800, 810], '0000000000000004', {}, ['0000000000000003']),
    span('0000000000000006', 5, [830, 1030], '0000000000000005', { 'clipmesh.stage': 'stitch' }),
  ];
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'gateway' } }] },
        scopeSpans: [{ scope: { name: 'test' }, spans }],
      },
    ],
  };
}

const configFor = (query: number, grpc: number, otlp: number): object => ({
  service: {
    extensions: ['jaeger_storage', 'jaeger_query'],
    pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    telemetry: { metrics: { level: 'none' } },
  },
  extensions: {
    jaeger_storage: { backends: { memory: { memory: { max_traces: 100 } } } },
    jaeger_query: {
      storage: { traces: 'memory' },
      http: { endpoint: `127.0.0.1:${query}` },
      grpc: { endpoint: `127.0.0.1:${grpc}` },
    },
  },
  receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
  exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
});

/** Resolves when Jaeger logs that it is ready. Rejects with its last output when it ends before that or takes too long. */
async function started(command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`Jaeger was not ready in time: ${output}`));
    }, START_MS);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-2000);
      if (output.includes('Everything is ready')) {
        clearTimeout(timer);
        resolve();
      }
    });
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`Jaeger ended: ${output}`));
    });
  });
  await ready.catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(timer);
}

(program === undefined ? describe.skip : describe)('a trace that is read from Jaeger', () => {
  const sent = videoTrace();
  const [expected] = parseTrace(sent).map(analyze);
  let folder: string;
  let server: ChildProcess | undefined;
  let url = '';
  const read = (source: TraceSource): Promise<Trace[]> =>
    readSource(source, { signal: AbortSignal.timeout(ARRIVE_MS), keys: [], settings: { gateway: url, nats: { url } } });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jaeger-'));
    if (program === undefined) return;
    let otlp = 4318;
    if ('url' in program) url = program.url;
    else {
      const [query = 0, grpc = 0, receiver = 0] = await freePorts(3);
      otlp = receiver;
      url = `http://127.0.0.1:${query}`;
      const config = join(folder, 'jaeger.json');
      await writeFile(config, JSON.stringify(configFor(query, grpc, otlp)));
      server = await started(program.command, [...program.args, '--config', config]);
    }
    const { hostname } = new URL(url);
    const answer = await fetch(`http://${hostname}:${otlp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sent),
      signal: AbortSignal.timeout(ARRIVE_MS),
    });
    expect(answer.status).toBe(200);
    const deadline = Date.now() + ARRIVE_MS;
    const asked = `${url}/api/v3/traces/${TRACE_ID}`;
    while ((await fetch(asked, { signal: AbortSignal.timeout(ARRIVE_MS) })).status !== 200 && Date.now() < deadline) {
      await sleep(100);
    }
  });
  afterAll(async () => {
    if (server !== undefined) await ended(server);
    await rm(folder, { recursive: true, force: true });
  });

  it('gives the same report as the original trace, by its id', async () => {
    const [trace] = await read({ kind: 'jaeger-trace', url, traceId: TRACE_ID });
    expect(trace === undefined ? undefined : analyze(trace)).toEqual(expected);
  });
  it('is among the last traces of its service, unchanged', async () => {
    const traces = await read({ kind: 'jaeger-service', url, service: 'gateway', last: 5 });
    const found = traces.find(({ traceId }) => traceId === TRACE_ID);
    expect(found === undefined ? undefined : analyze(found).criticalPath).toEqual(expected?.criticalPath);
    expect(expected?.criticalPath.some(({ kind, spanId }) => kind === 'work' && spanId === '0000000000000004')).toBe(
      true,
    );
  });
  it('is refused with an unknown id', async () => {
    await expect(read({ kind: 'jaeger-trace', url, traceId: 'abc' })).rejects.toThrow(/knows no trace abc/);
  });
});
