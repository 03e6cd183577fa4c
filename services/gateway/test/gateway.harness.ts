import { writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadConfig } from '@clipmesh/config';
import {
  type GenerationRecord,
  GenerationSucceeded,
  type GenerationResult,
  type GenerationState,
  message,
} from '@clipmesh/contracts';
import { connectBroker, createPublisher, openCancellations, provision, type ServiceRuntime } from '@clipmesh/messaging';
import { type ArtifactStore, openArtifactFolder, openKvStores, type Stores } from '@clipmesh/persistence';
import { type Broker, sampleModelsFile } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { createParser } from 'eventsource-parser';
import { createGateway } from '../src/gateway.module.js';

export const PROMPT = 'A kettle that sings when the tea is ready.';
/** Timeout of every wait in these suites, ms. */
export const DEADLINE_MS = 120_000;

export interface TestGateway {
  readonly url: string;
  readonly port: number;
  readonly runtime: ServiceRuntime;
  readonly stores: Stores;
  readonly artifacts: ArtifactStore;
  call(path: string, init?: RequestInit): Promise<Response>;
  create(body?: Record<string, unknown>, headers?: Record<string, string>): Promise<Response>;
  /** Creates a generation and returns its id. */
  created(headers?: Record<string, string>): Promise<string>;
  /** Changes the stored state, as the director does. */
  change(id: string, change: Partial<GenerationState>): Promise<GenerationRecord>;
  /** Ends the generation as the stitcher and the director do: files, record, event. */
  succeed(id: string, video?: Buffer): Promise<GenerationResult>;
  stop(): Promise<void>;
}

/** A gateway on a free port, with a real broker and real stores. `log` gets its log lines. */
export async function startGateway(
  broker: Broker,
  directory: string,
  env: Record<string, string> = {},
  log?: (line: string) => void,
): Promise<TestGateway> {
  const modelsFile = join(directory, 'models.json');
  await writeFile(modelsFile, sampleModelsFile());
  const base = { NATS_URL: broker.url, DATA_DIR: directory, LOG_LEVEL: 'silent', MODELS_FILE: modelsFile };
  const config = loadConfig({ ...base, ...env });
  const connection = await connectBroker({ url: broker.url, name: 'gateway.test', graceMs: DEADLINE_MS });
  await provision(connection);
  const runtime: ServiceRuntime = {
    config,
    logger: createLogger(
      { service: 'gateway', level: config.logLevel },
      log === undefined ? undefined : { write: log },
    ),
    connection,
    publish: createPublisher(connection),
    cancellations: await openCancellations(connection),
    workerId: 'gateway.test',
  };
  const disconnect = async (): Promise<void> => {
    runtime.cancellations.close();
    await connection.close();
  };
  const app = await createGateway(runtime).catch(async (error: unknown) => {
    await disconnect();
    throw error;
  });
  await app.listen(0, config.gatewayHost);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const stores = await openKvStores(connection);
  const artifacts = await openArtifactFolder({ directory: config.artifactsDir });

  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, { signal: AbortSignal.timeout(DEADLINE_MS), ...init });
  const create = (body: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<Response> =>
    call('/v1/generations', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ prompt: PROMPT, ...body }),
    });
  const change = async (id: string, changed: Partial<GenerationState>): Promise<GenerationRecord> => {
    const found = await stores.generations.get(id);
    if (found === undefined) throw new Error(`${id} is not stored`);
    const record = { ...found.value, state: { ...found.value.state, ...changed } };
    return (await stores.generations.save(record, found.revision)).value;
  };
  return {
    url,
    port,
    runtime,
    stores,
    artifacts,
    call,
    create,
    created: async (headers) => {
      const response = await create({}, headers);
      if (response.status !== 202) throw new Error(`create returned ${response.status}: ${await response.text()}`);
      return ((await response.json()) as { id: string }).id;
    },
    change,
    succeed: async (id, video = Buffer.from('0123456789')) => {
      const result: GenerationResult = {
        video: await artifacts.put(video, { contentType: 'video/mp4' }),
        thumbnail: await artifacts.put(Buffer.from('picture'), { contentType: 'image/jpeg' }),
        durationSeconds: 15,
        width: 720,
        height: 1280,
      };
      const at = new Date().toISOString();
      const { state } = await change(id, { status: 'succeeded', stage: 'export', result, finishedAt: at });
      const progress = {
        run: state.run,
        status: state.status,
        stage: state.stage,
        progress: 100,
        scenes: [],
        costMicros: 0,
      };
      await runtime.publish([message(GenerationSucceeded, { generationId: id, at, charges: [], ...progress, result })]);
      return result;
    },
    stop: async () => {
      await app.close();
      await disconnect();
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request with unchanged headers, including `Host`, which fetch does not allow. */
export function rawCall(
  port: number,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const request = httpRequest(
      { host: '127.0.0.1', port, path, method, headers, signal, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** The body of a problem response. Throws when the response is not a valid problem. */
export async function problem(response: Response): Promise<Record<string, unknown>> {
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${response.status} ${type} is not a problem: ${text}`);
  const body = JSON.parse(text) as Record<string, unknown>;
  for (const field of ['type', 'title', 'status', 'detail', 'code']) {
    if (body[field] === undefined) throw new Error(`the problem has no ${field}: ${text}`);
  }
  if (body['status'] !== response.status)
    throw new Error(`the problem says ${String(body['status'])}, the response ${response.status}`);
  return body;
}

export interface ReceivedEvent {
  readonly id: number;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Parses a text of server-sent events. */
export function parseEvents(text: string): ReceivedEvent[] {
  const events: ReceivedEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event = '', data }) =>
      events.push({ id: Number(id), event, data: JSON.parse(data) as Record<string, unknown> }),
  });
  parser.feed(text);
  return events;
}
