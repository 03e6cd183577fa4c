import { loadConfig } from '@clipmesh/config';
import { type ClipmeshError } from '@clipmesh/contracts';
import {
  type ClipProvider,
  type ClipRequest,
  loadModels,
  type ModelEntries,
  type ModelEntry,
  openProviders,
  type Operation,
  outcomeOf,
  type PredictionState,
  type ProviderSettings,
  type PurchaseSearch,
  type SharedState,
} from '../../src/index.js';
import { type FakeAnswer, type FakeServer, openFake } from '../fake.server.js';
import { sharedMemory } from '../shared.memory.js';
import { type Subject } from './contract.subject.js';
import { type CreateAnswers, openWire, type Wire } from './wire.proxy.js';

/** Ends a hang, ms. */
export const DEADLINE_MS = 120_000;
export const never = new AbortController().signal;
/** Adopts the oldest prediction, as a purchase without rivals does. */
export const oldest: PurchaseSearch['adopt'] = ([first]) => Promise.resolve(first);

const models = await loadModels();
const defaults = loadConfig({});
const rates = Object.keys(defaults).filter((key) => key.endsWith('PerMinute'));
/** The settings of every case: no provider is configured, and no rate limit is met. */
const SETTINGS: ProviderSettings = {
  ...defaults,
  ...Object.fromEntries(rates.map((key) => [key, 6000])),
  pollIntervalMs: 100,
  pollLogIntervalMs: DEADLINE_MS,
  downloadTimeoutMs: DEADLINE_MS,
  downloadIdleTimeoutMs: DEADLINE_MS,
  videoGenerationTimeoutMs: 600_000,
  breakerFailures: 100,
  breakerOpenMs: 1000,
};

export interface OpenOptions {
  /** Default: that of the server. */
  readonly origin?: string;
  /** Default: the shipped models. */
  readonly models?: ModelEntries;
  /** Default: not shared with another adapter. */
  readonly shared?: SharedState;
}

/** What the cases of a suite work with. `clear` closes everything that a case opened. */
export interface Bench {
  readonly subject: Subject;
  readonly models: ModelEntries;
  /** The model of the subject. */
  readonly entry: ModelEntry;
  /** A new adapter, as another process opens it. */
  readonly open: (options?: OpenOptions) => ClipProvider;
  /** A proxy before the server. */
  readonly wire: (answers?: CreateAnswers) => Promise<Wire>;
  /** A server whose answers the case decides. */
  readonly fake: (answer: FakeAnswer) => Promise<FakeServer>;
  /** A request with a key of its own. */
  readonly request: (prompt: string, more?: Partial<ClipRequest>) => ClipRequest;
  readonly clear: () => Promise<void>;
}

export function createBench(subject: Subject): Bench {
  const entry = models.get(subject.model);
  if (entry === undefined) throw new Error(`${subject.model} is not a shipped model`);
  let keys = 0;
  let closers: (() => Promise<void>)[] = [];
  return {
    subject,
    models,
    entry,
    open: ({ origin = subject.origin(), models: known = models, shared = sharedMemory() } = {}) => {
      const log = { info: () => undefined, warn: () => undefined };
      const readFile = (): Promise<Uint8Array> => Promise.reject(new Error('no case has an image'));
      const reports = { find: () => Promise.resolve(undefined), read: readFile };
      const context = { models: known, shared, nudge: () => () => undefined, reports, log, readFile };
      const providers = openProviders({ ...SETTINGS, ...subject.settings(origin) }, context, [subject.model]);
      closers.push(() => providers.close());
      return providers.of(subject.model);
    },
    wire: async (answers) => {
      const wire = await openWire(subject.origin(), answers);
      closers.push(() => wire.cut());
      return wire;
    },
    fake: async (answer) => {
      const server = await openFake(answer);
      closers.push(() => server.close());
      return server;
    },
    request: (prompt, more = {}) => ({
      model: subject.model,
      prompt,
      durationSeconds: 4,
      aspectRatio: '9:16',
      seed: 7,
      attemptKey: `clip.gen_${'c'.repeat(32)}.${Date.now()}.${(keys += 1)}`,
      ...more,
    }),
    clear: async () => {
      const closing = closers.reverse();
      closers = [];
      for (const close of closing) await close();
    },
  };
}

export const operationOf = ({ id }: Pick<PredictionState, 'id'>, { model }: ClipRequest): Operation => ({ id, model });

/** Waits for the end of a prediction. */
export const waitFor = (provider: ClipProvider, operation: Operation): Promise<PredictionState> =>
  provider.wait(operation, { signal: never, timeoutMs: DEADLINE_MS });

/** Buys a clip, and waits for the end of its prediction. */
export async function buy(provider: ClipProvider, request: ClipRequest): Promise<PredictionState> {
  return waitFor(provider, operationOf(await provider.submit(request, never), request));
}

/** The failure code of a purchase, from its create or from its prediction. Undefined: it succeeded. */
export const codeOf = (provider: ClipProvider, request: ClipRequest): Promise<string | undefined> =>
  buy(provider, request).then(
    (state) => outcomeOf(state)?.code,
    (error: unknown) => (error as ClipmeshError).code,
  );
