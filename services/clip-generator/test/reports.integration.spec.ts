import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { loadConfig } from '@clipmesh/config';
import {
  ClipFailed,
  ClipGenerate,
  type ClipGenerateBody,
  ClipGenerated,
  message,
  messageId,
} from '@clipmesh/contracts';
import { openRetryCounter, readEvents, type Replica, type RetryCounter, startReplica } from '@clipmesh/messaging';
import {
  type ArtifactStore,
  openArtifactFolder,
  openKvStores,
  openProviderReports,
  type ProviderReports,
} from '@clipmesh/persistence';
import { reportedPurchase } from '@clipmesh/providers';
import {
  type Broker,
  type Cog,
  findCog,
  leakCheck,
  type Sandbox,
  startBroker,
  startCog,
  startSandbox,
  tempFolder,
  type TempFolder,
  until,
} from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { clipGeneratorService } from '../src/clip-generator.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;
const MODEL = 'fal-ai/veo3.1/fast';
const SECRET = 'a-secret-of-the-tests-long-enough';
const FAST = { clipSeconds: { min: 0.1, max: 0.1 } };
const PRICE_MICROS = 600_000;

let broker: Broker;
let sandbox: Sandbox;
let folder: TempFolder;
let replica: Replica;
let retries: RetryCounter;
let reports: ProviderReports;
let artifacts: ArtifactStore;
/** Takes the reports of the providers, in the place of the gateway. */
let receiver: Server;
/** False: reports are answered with 503 and not stored. */
let takesReports: boolean;
/** The key of the purchase of each report. */
let received: string[];
let generations = 0;
const cogProgram = await findCog();
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  sandbox = await startSandbox();
  folder = await tempFolder('reports');
  artifacts = await openArtifactFolder({ directory: join(folder.path, 'artifacts') });
  receiver = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      const purchase = reportedPurchase(request.url ?? '', SECRET);
      if (purchase !== undefined) received.push(purchase.key);
      if (!takesReports || purchase === undefined) {
        response.writeHead(503).end();
        return;
      }
      const { provider, key } = purchase;
      const value =
        provider === 'fal'
          ? (JSON.parse(body.toString()) as { request_id: string }).request_id
          : (await artifacts.put(body, { contentType: 'application/json' })).key;
      await reports.record(provider, key, value);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const connection = await broker.connect();
  reports = openProviderReports((await openKvStores(connection)).idempotency);
  retries = await openRetryCounter(connection);
}, DEADLINE_MS);

afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await broker.stop();
  await sandbox.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
}, DEADLINE_MS);

beforeEach(async () => {
  takesReports = true;
  received = [];
  await sandbox.clearInvoice();
});
afterEach(() => replica.stop(), DEADLINE_MS);

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const config = loadConfig({
    NATS_URL: broker.url,
    DATA_DIR: folder.path,
    FAL_KEY: 'any',
    FAL_BASE_URL: `${sandbox.url}/fal`,
    VIDEO_MODELS: MODEL,
    // The lost answer uses the first try. A wait for the report must not use the second.
    VIDEO_ATTEMPTS: '2',
    VIDEO_RETRY_FIRST_SECONDS: '0.1',
    POLL_INTERVAL: '0.1',
    PROVIDER_CALL_TIMEOUT: '2',
    ATTEMPT_SETTLE_SECONDS: '0',
    CLIP_CACHE_SCOPE: 'shared',
    PUBLIC_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    PROVIDER_WEBHOOK_SECRET: SECRET,
    FAL_REPORT_TIMEOUT: '600',
    ...env,
  });
  const logger = createLogger({ service: 'clip-generator', level: 'silent' }, { write: () => undefined });
  replica = await startReplica(clipGeneratorService, { config, workerId: 'clip-generator.1', logger });
}

const newBody = (): ClipGenerateBody => ({
  generationId: `gen_${(generations += 1).toString(16).padStart(32, '0')}`,
  attempt: 1,
  scene: 0,
  model: MODEL,
  prompt: `kite ${generations}`,
  durationSeconds: 4,
  aspectRatio: '9:16',
  seed: 7,
});
const send = (body: ClipGenerateBody): Promise<unknown> => replica.runtime.publish([message(ClipGenerate, body)]);
const postponed = async (body: ClipGenerateBody, times: number): Promise<void> => {
  const id = messageId(ClipGenerate, body);
  await until(async () => (await retries.count(id)).postponed >= times, DEADLINE_MS, `${times} postponements`);
};

interface Ended {
  readonly name: string;
  readonly body: { readonly charges: readonly { key: string; amountMicros: number; assumed?: boolean }[] };
}
async function ended({ generationId }: ClipGenerateBody): Promise<Ended> {
  const reading = new AbortController();
  try {
    const event = await until(
      readEvents(replica.runtime.connection, generationId, { signal: reading.signal }),
      DEADLINE_MS,
      'the end of the clip',
      ({ name }) => name === ClipGenerated.name || name === ClipFailed.name,
    );
    return event as unknown as Ended;
  } finally {
    reading.abort();
  }
}
const invoice = async (): Promise<[string | null, string][]> =>
  (await sandbox.invoice()).predictions.map(({ key, status }) => [key, status]);

describe('a purchase at fal whose answer was lost', () => {
  it('waits for its report without using a try, and is bought once', async () => {
    await start();
    await sandbox.scenario({ ...FAST, loseReplies: 1, hold: [0] });
    const body = newBody();
    await send(body);
    await postponed(body, 3);
    expect(await invoice()).toHaveLength(1);
    await sandbox.scenario(FAST);
    const { name, body: event } = await ended(body);
    expect(name).toBe(ClipGenerated.name);
    const key = `clip.${body.generationId}.0.1`;
    expect(await invoice()).toEqual([[key, 'succeeded']]);
    expect(event.charges).toMatchObject([{ amountMicros: PRICE_MICROS }]);
    expect(event.charges[0]?.assumed).toBeUndefined();
    const id = messageId(ClipGenerate, body);
    expect(await retries.count(id)).toMatchObject({ counted: 1 });
  });

  it('is bought once when the clip generator is stopped during the wait, and the report comes meanwhile', async () => {
    await start();
    await sandbox.scenario({ ...FAST, loseReplies: 1, hold: [0] });
    const body = newBody();
    await send(body);
    await postponed(body, 1);
    await replica.stop();
    await sandbox.scenario(FAST);
    await until(() => received.length > 0, DEADLINE_MS, 'the report');
    await start();
    expect((await ended(body)).name).toBe(ClipGenerated.name);
    expect(await invoice()).toEqual([[`clip.${body.generationId}.0.1`, 'succeeded']]);
  });

  it('is charged as assumed and bought once more when the report does not arrive in time', async () => {
    await start({ FAL_REPORT_TIMEOUT: '5' });
    takesReports = false;
    // The second of two submits has no answer.
    await sandbox.scenario({ ...FAST, loseReplies: 0.5 });
    const [first, second] = [newBody(), newBody()];
    await send(first);
    await ended(first);
    await send(second);
    const { name, body: event } = await ended(second);
    expect(name).toBe(ClipGenerated.name);
    const keyOf = (n: number): string => `clip.${second.generationId}.0.${n}`;
    expect((await invoice()).map(([key]) => key)).toEqual([`clip.${first.generationId}.0.1`, keyOf(1), keyOf(2)]);
    expect(event.charges).toMatchObject([
      { key: `purchase:${keyOf(1)}`, assumed: true, amountMicros: PRICE_MICROS },
      { amountMicros: PRICE_MICROS },
    ]);
    // The report that comes too late changes nothing.
    takesReports = true;
    await until(() => reports.find('fal', keyOf(1)), DEADLINE_MS, 'the late report');
    expect((await invoice()).map(([key]) => key)).toHaveLength(3);
  });
});

(cogProgram === undefined ? describe.skip : describe)('a clip at a Cog server that reports', () => {
  let cog: Cog;
  beforeAll(async () => {
    cog = await startCog(cogProgram!);
  }, DEADLINE_MS);
  afterAll(() => cog.server.end('SIGTERM'), DEADLINE_MS);

  it('goes on while the clip generator is stopped, and is made once', async () => {
    const env = {
      VIDEO_MODELS: 'cog/animatic',
      COG_ENDPOINTS: `cog/animatic=${cog.url}`,
      COG_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    };
    await start(env);
    const body: ClipGenerateBody = { ...newBody(), model: 'cog/animatic', prompt: 'sleep 3, a kite' };
    const key = `clip.${body.generationId}.0.1`;
    /** Reports of this generation. Those of earlier tests may be repeated. */
    const own = (): string[] => received.filter((of) => of.includes(body.generationId));
    await send(body);
    await until(async () => (await cog.status()) === 'BUSY', DEADLINE_MS, 'the run');
    await replica.stop();
    expect(own()).toEqual([]);
    await until(() => own().length > 0, DEADLINE_MS, 'the report');
    await start(env);
    const { name, body: event } = await ended(body);
    expect(name).toBe(ClipGenerated.name);
    expect(own()).toEqual([key]);
    expect(event.charges).toMatchObject([{ key: `prediction:cog:${key}` }]);
    expect(event.charges[0]?.assumed).toBeUndefined();
    expect(event.charges[0]?.amountMicros).toBeGreaterThan(0);
  });
});
