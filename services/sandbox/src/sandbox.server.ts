import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { isLoopback } from '@clipmesh/config';
import express, { type NextFunction, type Request, type Response } from 'express';
import { ClipCache, type SandboxRenderer } from './predictions/clip.cache.js';
import { controlRoutes } from './control/control.routes.js';
import { filesRoutes } from './files/files.routes.js';
import { InvoiceStore } from './control/invoice.store.js';
import { isKeyless } from './openai/chat.servers.js';
import { openaiProblem, openaiRoutes } from './openai/openai.routes.js';
import { speechRoutes } from './speech/speech.routes.js';
import { speaksWithoutKey } from './speech/speech.servers.js';
import { type Speaker, toneSpeaker } from './speech/speech.speaker.js';
import { clipCharge } from './predictions/prediction.lifecycle.js';
import { PredictionRunner } from './predictions/prediction.runner.js';
import * as PROVIDERS from './provider.table.js';
import { replicateProblem } from './replicate/replicate.routes.js';
import { ModelStore, readRecords } from './models/model.store.js';
import { ScenarioStore } from './control/scenario.store.js';
import { UploadStore } from './files/upload.store.js';

export { type SandboxRenderer } from './predictions/clip.cache.js';
export { type Speaker } from './speech/speech.speaker.js';

/** Enough for a 10 MB reference image in base64. */
const BODY_LIMIT = '20mb';
const CLOSE_MS = 1500;

export interface SandboxOptions {
  readonly media: SandboxRenderer;
  /** Default: tones, as WAV or PCM whatever the request asks for. */
  readonly speaker?: Speaker;
  /** Port to listen on. 0: a free port. */
  readonly port: number;
  /** A loopback address. */
  readonly host: string;
  /** Parent folder of `sandbox-clips` and `sandbox-uploads`. */
  readonly dataDir: string;
}

export interface Sandbox {
  readonly url: string;
  /** Aborts all renders and closes all connections, within 1.5 s. */
  close(): Promise<void>;
}

const requireToken =
  (scenarios: ScenarioStore) =>
  (request: Request, response: Response, next: NextFunction): void => {
    const isSpeech = request.path.startsWith('/audio/');
    const isOpenAi = isSpeech || request.path.startsWith('/chat/');
    const { chatServer, speechServer } = scenarios.scenario;
    const needsNone = isSpeech ? speaksWithoutKey(speechServer) : isOpenAi && isKeyless(chatServer);
    if (needsNone || /^Bearer\s+\S/i.test(request.get('authorization') ?? '')) next();
    else if (isOpenAi) openaiProblem(response, 401, 'You did not provide an API key.');
    else replicateProblem(response, 401, 'Unauthenticated', 'You did not pass an authentication token');
  };

function onError(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const given = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  const status = typeof given === 'number' && given >= 400 && given < 600 ? given : 500;
  const detail = error instanceof Error ? error.message : String(error);
  if (/^\/v1\/(chat|audio)\//.test(request.path)) {
    openaiProblem(response, status, detail);
    return;
  }
  const provider = Object.values(PROVIDERS).find(({ path }) => request.path.startsWith(`${path}/`));
  (provider ?? PROVIDERS.replicate).refuse(response, status, detail);
}

/** Starts the sandbox. Resolves when it listens. Rejects for an address that is not loopback, and for a port in use. */
export async function createSandbox({
  media,
  speaker = toneSpeaker,
  port,
  host,
  dataDir,
}: SandboxOptions): Promise<Sandbox> {
  if (!isLoopback(host))
    throw new Error(`the sandbox serves loopback addresses only, not ${host}, because it accepts any token`);
  const recorded = await readRecords();
  const app = express().disable('x-powered-by');
  // Only clients close idle connections. With a server limit, a client on a busy machine may use a connection that the server has
  // just closed.
  const server = createServer({ keepAliveTimeout: 0 }, app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;

  const stopping = new AbortController();
  const closing = stopping.signal;
  const scenarios = new ScenarioStore();
  const models = new ModelStore(recorded, () => scenarios.scenario.models ?? []);
  const invoice = new InvoiceStore();
  const uploads = new UploadStore(join(dataDir, 'sandbox-uploads'), url);
  const runner = new PredictionRunner(new ClipCache(join(dataDir, 'sandbox-clips'), media));
  app.use('/files', filesRoutes({ runner, scenarios, closing }));
  app.use('/v1', requireToken(scenarios));
  app.use(express.json({ limit: BODY_LIMIT }));
  app.use('/sandbox', controlRoutes({ scenarios, invoice, clips: () => runner.list().map(clipCharge) }));
  const context = { models, runner, scenarios, uploads, origin: url, filesUrl: `${url}/files` };
  for (const provider of Object.values(PROVIDERS)) app.use(provider.path, provider.routes(context));
  app.use('/v1', openaiRoutes({ scenarios, invoice, closing }), speechRoutes({ scenarios, invoice, speaker, closing }));
  app.use((request, response) => {
    replicateProblem(response, 404, 'Not found', `There is no ${request.method} ${request.path}.`);
  });
  app.use(onError);

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const down = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    stopping.abort();
    await runner.close(CLOSE_MS);
    server.closeAllConnections();
    await down;
  };
  return { url, close: () => (closed ??= close()) };
}
