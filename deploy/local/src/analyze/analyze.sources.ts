import { readFile } from 'node:fs/promises';
import { connectBroker, readTrace } from '@clipmesh/messaging';
import { parseTrace, parseTraceText, type Trace } from '@clipmesh/trace-analysis';
import { z } from 'zod';
import { type TraceSource } from '../arguments/analyze.arguments.js';
import { type Addresses, withStack } from '../stack/running.stack.js';

const CALL_MS = 30_000;
const BROKER_MS = 5_000;
/** Age of the oldest trace that is searched for, ms. */
const RECENT_MS = 7 * 24 * 3_600_000;
/** Operation that begins a generation. Most traces of the gateway are other requests. */
const BEGINNING = 'publish generation.plan';
const generationSchema = z.object({ traceId: z.string() });

export interface SourceContext {
  readonly signal: AbortSignal;
  /** Bearer tokens to try at the gateway. Empty: none is needed. */
  readonly keys: readonly string[];
  /** Addresses of a stack without a folder on this machine. */
  readonly settings: Addresses;
}

/** The traces of a source, at least one. Rejects with one sentence that says how to fix the problem. */
export async function readSource(source: TraceSource, context: SourceContext): Promise<Trace[]> {
  switch (source.kind) {
    case 'file':
      return fromFile(source.path);
    case 'generation':
      return withStack(source.dataDir, context.settings, (stack) => fromGeneration(source.id, stack, context));
    case 'jaeger-trace':
      return fromJaeger(source.url, source.traceId, context.signal);
    case 'jaeger-service':
      return lastOfService(source, context.signal);
  }
}

async function fromFile(path: string): Promise<Trace[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`The file ${path} cannot be read (${codeOf(error)}); give the path of a trace in JSON.`, {
      cause: error,
    });
  }
  const traces = parsed(path, () => parseTraceText(text));
  if (traces.length === 0) throw new Error(`${path} has no span; export the trace again.`);
  return traces;
}

async function fromGeneration(id: string, stack: Addresses, { signal, keys }: SourceContext): Promise<Trace[]> {
  const url = `${stack.gateway}/v1/generations/${encodeURIComponent(id)}`;
  let traceId: string | undefined;
  let status = 0;
  for (const key of keys.length === 0 ? [undefined] : keys) {
    const answer = await get(url, 'The gateway', '--data', signal, key);
    status = answer.status;
    // The body of an error has a trace id too: that of this request.
    if (status === 200) traceId = generationSchema.safeParse(answer.json).data?.traceId;
    if (traceId !== undefined) break;
  }
  if (traceId === undefined) {
    throw new Error(
      status === 404
        ? `The gateway at ${stack.gateway} knows no generation ${id}.`
        : `The gateway at ${stack.gateway} does not show generation ${id} (status ${status}); is its key in API_KEYS?`,
    );
  }
  const connection = await connectBroker({ ...stack.nats, name: 'analyze', graceMs: BROKER_MS });
  try {
    const traces = parseTrace(await readTrace(connection, traceId));
    const found = traces.find((trace) => trace.traceId === traceId);
    if (found === undefined) throw new Error(`The spans of generation ${id} are no longer in the stream.`);
    return [found];
  } finally {
    await connection.close();
  }
}

/**
 * The first of `paths` that has a trace. OTLP from `/api/v3` has the spans as they were sent. Jaeger's own JSON loses
 * parents, and moves spans to correct what it takes for clock skew.
 */
async function askJaeger(url: string, paths: readonly string[], signal: AbortSignal): Promise<Trace[]> {
  for (const path of paths) {
    const answer = await get(`${url}${path}`, 'Jaeger', '--jaeger', signal);
    if (answer.status !== 200 || answer.json === undefined) continue;
    const traces = parsed(`Jaeger at ${url}`, () => parseTrace(answer.json));
    if (traces.length > 0) return traces;
  }
  return [];
}

async function fromJaeger(url: string, traceId: string, signal: AbortSignal): Promise<Trace[]> {
  const traces = await askJaeger(url, [`/api/v3/traces/${traceId}`, `/api/traces/${traceId}`], signal);
  if (traces.length === 0) throw new Error(`Jaeger at ${url} knows no trace ${traceId}.`);
  return traces;
}

async function lastOfService(
  { url, service, last }: Extract<TraceSource, { kind: 'jaeger-service' }>,
  signal: AbortSignal,
): Promise<Trace[]> {
  const now = Date.now();
  const query = {
    'query.service_name': service,
    'query.start_time_min': new Date(now - RECENT_MS).toISOString(),
    'query.start_time_max': new Date(now).toISOString(),
    // The name of the limit has changed between versions; each ignores the other name.
    'query.num_traces': String(last),
    'query.search_depth': String(last),
  };
  const jaegerQuery = { service, limit: String(last) };
  const urlWith = (path: string, parameters: Readonly<Record<string, string>>): string =>
    `${path}?${new URLSearchParams(parameters).toString()}`;
  const paths = [
    urlWith('/api/v3/traces', { ...query, 'query.operation_name': BEGINNING }),
    urlWith('/api/traces', { ...jaegerQuery, operation: BEGINNING }),
    urlWith('/api/v3/traces', query),
    urlWith('/api/traces', jaegerQuery),
  ];
  const traces = await askJaeger(url, paths, signal);
  if (traces.length === 0)
    throw new Error(`Jaeger at ${url} has no trace of the service ${service} from the last week.`);
  return traces.sort((a, b) => (b.originUs ?? 0) - (a.originUs ?? 0)).slice(0, last);
}

interface Answer {
  readonly status: number;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
}

async function get(url: string, who: string, option: string, signal: AbortSignal, key?: string): Promise<Answer> {
  const { origin } = new URL(url);
  const headers = { accept: 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    const response = await fetch(url, { headers, signal: limit });
    return { status: response.status, json: json(await response.text()) };
  } catch (error) {
    throw new Error(`${who} at ${origin} does not answer (${codeOf(error)}); is it running, and is ${option} right?`, {
      cause: error,
    });
  }
}

/** Parses JSON; newline-delimited documents, as `/api/v3` streams them, become an array. Undefined: not JSON. */
function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    try {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      return lines.length < 2 ? undefined : lines.map((line) => JSON.parse(line) as unknown);
    } catch {
      return undefined;
    }
  }
}

function parsed(where: string, read: () => Trace[]): Trace[] {
  try {
    return read();
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
}

const named = z.object({ code: z.string().optional().catch(undefined), name: z.string().optional() });
const caused = z.object({ cause: named });

/** The system's error code (ECONNREFUSED, ENOENT), of the cause when there is one. */
function codeOf(error: unknown): string {
  const { code, name } = caused.safeParse(error).data?.cause ?? named.safeParse(error).data ?? {};
  return code ?? name ?? String(error);
}
