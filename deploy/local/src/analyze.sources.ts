import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectBroker, readTrace } from '@clipmesh/messaging';
import { parseTrace, parseTraceText, type Trace } from '@clipmesh/trace-analysis';
import { z } from 'zod';
import { type TraceSource } from './analyze.arguments.js';

const CALL_MS = 30_000;
const BROKER_MS = 5_000;
const stackSchema = z.object({ gateway: z.string(), nats: z.string() });
const generationSchema = z.object({ traceId: z.string() });

export interface SourceContext {
  readonly signal: AbortSignal;
  /** Bearer tokens to try at the gateway; empty: none is needed. */
  readonly keys: readonly string[];
}

/** The traces of a source, at least one. Rejects with one sentence that says what to do. */
export async function readSource(source: TraceSource, context: SourceContext): Promise<Trace[]> {
  switch (source.kind) {
    case 'file':
      return fromFile(source.path);
    case 'generation':
      return fromGeneration(source.id, source.dataDir, context);
    case 'jaeger-trace':
      return fromJaeger(source.url, source.traceId, context.signal);
    case 'jaeger-service': {
      const query = new URLSearchParams({ service: source.service, limit: String(source.last) });
      const { json } = await get(`${source.url}/api/traces?${query.toString()}`, 'Jaeger', '--jaeger', context.signal);
      const traces = json === undefined ? [] : parsed(`Jaeger at ${source.url}`, () => parseTrace(json));
      if (traces.length > 0) return traces;
      throw new Error(`Jaeger at ${source.url} has no recent trace of the service ${source.service}.`);
    }
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
  if (traces.length === 0) throw new Error(`${path} holds no span; export the trace again.`);
  return traces;
}

async function fromGeneration(id: string, dataDir: string, { signal, keys }: SourceContext): Promise<Trace[]> {
  const stack = await readStack(dataDir);
  const url = `${stack.gateway}/v1/generations/${encodeURIComponent(id)}`;
  let traceId: string | undefined;
  let status = 0;
  for (const key of keys.length === 0 ? [undefined] : keys) {
    const answer = await get(url, 'The gateway', '--data', signal, key);
    status = answer.status;
    // An error's body names a trace too: that of the question itself.
    if (status === 200) traceId = generationSchema.safeParse(answer.json).data?.traceId;
    if (traceId !== undefined) break;
  }
  if (traceId === undefined) {
    throw new Error(
      status === 404
        ? `The stack in ${dataDir} knows no generation ${id}.`
        : `The gateway at ${stack.gateway} does not show generation ${id} (status ${status}); is its key in API_KEYS?`,
    );
  }
  const connection = await connectBroker({ url: stack.nats, name: 'analyze', graceMs: BROKER_MS });
  try {
    const traces = parseTrace(await readTrace(connection, traceId));
    const found = traces.find((trace) => trace.traceId === traceId);
    if (found === undefined) throw new Error(`The spans of generation ${id} are no longer in the stream.`);
    return [found];
  } finally {
    await connection.close();
  }
}

async function readStack(dataDir: string): Promise<z.infer<typeof stackSchema>> {
  const text = await readFile(join(dataDir, 'run', 'stack.json'), 'utf8').catch(() => undefined);
  const stack = text === undefined ? undefined : stackSchema.safeParse(json(text)).data;
  if (stack !== undefined) return stack;
  throw new Error(`No stack runs on ${dataDir}; start it with npm run up, or name its folder with --data.`);
}

/** OTLP from `/api/v3` keeps parents that Jaeger's own JSON loses; a Jaeger without it is asked the old way. */
async function fromJaeger(url: string, traceId: string, signal: AbortSignal): Promise<Trace[]> {
  for (const path of [`/api/v3/traces/${traceId}`, `/api/traces/${traceId}`]) {
    const answer = await get(`${url}${path}`, 'Jaeger', '--jaeger', signal);
    if (answer.status !== 200 || answer.json === undefined) continue;
    const traces = parsed(`Jaeger at ${url}`, () => parseTrace(answer.json));
    if (traces.length > 0) return traces;
  }
  throw new Error(`Jaeger at ${url} knows no trace ${traceId}.`);
}

interface Answer {
  readonly status: number;
  /** Undefined where the body is no JSON. */
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

/** Newline-delimited documents, as `/api/v3` streams them, come as an array. */
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

/** The system's word for it (ECONNREFUSED, ENOENT), of the cause where there is one. */
function codeOf(error: unknown): string {
  const { code, name } = caused.safeParse(error).data?.cause ?? named.safeParse(error).data ?? {};
  return code ?? name ?? String(error);
}
