import { join } from 'node:path';
import {
  type Charge,
  ClipFailed,
  ClipGenerate,
  type ClipGenerateBody,
  ClipGenerated,
  message,
} from '@clipmesh/contracts';
import { loadConfig } from '@clipmesh/config';
import { createPublisher, type Publish, readEvents, type Replica, startReplica } from '@clipmesh/messaging';
import { openKvStores, type Stores } from '@clipmesh/persistence';
import {
  type Broker,
  leakCheck,
  type Sandbox,
  startBroker,
  startSandbox,
  tempFolder,
  type TempFolder,
  until,
} from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { type z } from 'zod';
import { clipGeneratorService } from '../src/clip-generator.service.js';

/** Time limit of each wait, ms. */
export const DEADLINE_MS = 120_000;
/** Predictions of the sandbox end almost at once. */
export const FAST = { clipSeconds: { min: 0.1, max: 0.1 } };

export type Settings = Readonly<Record<string, string>>;

/** The answer of the clip generator to a command. */
export type ClipEnd =
  | { readonly name: 'clip.generated'; readonly body: z.infer<typeof ClipGenerated.schema> }
  | { readonly name: 'clip.failed'; readonly body: z.infer<typeof ClipFailed.schema> };

export interface ClipBench {
  readonly broker: Broker;
  readonly folder: TempFolder;
  readonly stores: Stores;
  /** The settings that every clip generator of the bench needs. */
  readonly settings: Settings;
  /** All lines of the logs of the replicas. */
  log(): string;
  readonly publish: Publish;
  /** Starts a replica in this process. `stop` of the bench stops it. */
  startReplica(workerId: string, settings: Settings): Promise<Replica>;
  /** The command of a clip of a new generation. */
  command(change?: Partial<ClipGenerateBody>): ClipGenerateBody;
  /** Sends a command, and waits for its end. */
  make(body: ClipGenerateBody): Promise<ClipEnd>;
  /** The end of a command that was sent before. */
  endOf(body: ClipGenerateBody): Promise<ClipEnd>;
  /** The first `count` charges of a generation by their key, which the ledger enters once. */
  charges(generationId: string, count: number): Promise<Charge[]>;
  /** Stops everything. Throws when something is left. */
  stop(): Promise<void>;
}

/** A broker with its stores, for clip generators. */
export const startClipBench = (): Promise<ClipBench> => openBench(leakCheck(), undefined);

/** A bench with the sandbox in the place of Replicate. */
export async function startSandboxBench(): Promise<ClipBench & { readonly sandbox: Sandbox }> {
  const leaks = leakCheck();
  const sandbox = await startSandbox();
  return { ...(await openBench(leaks, sandbox)), sandbox };
}

async function openBench(leaks: () => readonly string[], sandbox: Sandbox | undefined): Promise<ClipBench> {
  const broker = await startBroker();
  const folder = await tempFolder('clips');
  const connection = await broker.connect();
  const stores = await openKvStores(connection);
  const replicas: Replica[] = [];
  const provider: Settings =
    sandbox === undefined ? {} : { REPLICATE_API_TOKEN: 'any', REPLICATE_BASE_URL: `${sandbox.url}/v1` };
  const settings: Settings = { NATS_URL: broker.url, DATA_DIR: folder.path, ...provider };
  let log = '';
  let generations = 0;
  const publish = createPublisher(connection);

  async function read<T>(generationId: string, what: string, accept: (name: string, body: unknown) => T | undefined) {
    const reading = new AbortController();
    let found: T | undefined;
    try {
      await until(readEvents(connection, generationId, reading), DEADLINE_MS, what, ({ name, body }) => {
        found = accept(name, body);
        return found !== undefined;
      });
    } finally {
      reading.abort();
    }
    if (found === undefined) throw new Error(`the stream ended before ${what}`);
    return found;
  }

  const endOf: ClipBench['endOf'] = ({ generationId, scene, attempt }) =>
    read(generationId, `the end of ${generationId}`, (name, body): ClipEnd | undefined => {
      const of = body as { scene?: number; attempt?: number };
      if (of.scene !== scene || of.attempt !== attempt) return undefined;
      if (name === ClipGenerated.name) return { name: 'clip.generated', body: ClipGenerated.schema.parse(body) };
      return name === ClipFailed.name ? { name: 'clip.failed', body: ClipFailed.schema.parse(body) } : undefined;
    });

  return {
    broker,
    folder,
    stores,
    settings,
    log: () => log,
    publish,
    async startReplica(workerId, own) {
      const config = loadConfig({ ...settings, TEMP_DIR: join(folder.path, 'tmp', workerId), ...own });
      const sink = { write: (line: string) => void (log += line) };
      const logger = createLogger({ service: 'clip-generator', level: 'trace' }, sink);
      const replica = await startReplica(clipGeneratorService, { config, workerId, logger });
      replicas.push(replica);
      return replica;
    },
    command: (change = {}) => ({
      generationId: `gen_${(generations += 1).toString(16).padStart(32, '0')}`,
      attempt: 1,
      scene: 0,
      model: 'google/veo-3.1',
      prompt: `kite ${generations}`,
      durationSeconds: 4,
      aspectRatio: '1:1',
      seed: 7,
      ...change,
    }),
    async make(body) {
      await publish([message(ClipGenerate, body)]);
      return endOf(body);
    },
    endOf,
    async charges(generationId, count) {
      const found = new Map<string, Charge>();
      return read(generationId, `${count} charges`, (_name, body) => {
        for (const charge of (body as { charges?: Charge[] }).charges ?? []) found.set(charge.key, charge);
        return found.size >= count ? [...found.values()] : undefined;
      });
    },
    async stop() {
      for (const replica of replicas) await replica.stop();
      await broker.stop();
      await sandbox?.stop();
      await folder.remove();
      const left = leaks();
      if (left.length > 0) throw new Error(left.join('\n'));
    },
  };
}

/** Sum in micro-dollars. */
export const sumOf = (charges: readonly Pick<Charge, 'amountMicros'>[]): number =>
  charges.reduce((total, { amountMicros }) => total + amountMicros, 0);
