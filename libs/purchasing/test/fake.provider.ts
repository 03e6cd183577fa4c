import { type Artifact, type ClipGenerateBody, ClipmeshError } from '@clipmesh/contracts';
import { SAMPLE_MODELS } from '@clipmesh/testing';
import { type ClipFacts, ProcessError } from '@clipmesh/media';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { type ClipProvider, type ClipProviders, type ClipRequest, type PredictionState } from '@clipmesh/providers';
import { type ClipDeps } from '../src/clip/clip.deps.js';

export const generationId = `gen_${'1'.repeat(32)}`;
export const body: ClipGenerateBody = {
  generationId,
  attempt: 1,
  scene: 0,
  model: 'google/veo-3.1',
  prompt: 'a kettle',
  durationSeconds: 4,
  aspectRatio: '16:9',
  seed: 7,
};
export const artifact: Artifact = {
  key: `aa/${'a'.repeat(64)}.mp4`,
  sha256: 'a'.repeat(64),
  bytes: 1,
  contentType: 'video/mp4',
};
export const noAbort = new AbortController().signal;

/** How ffmpeg can fail on a complete file, and whether only the machine can be the cause. */
const FFMPEG_FAILURES = [
  ['full disk', 'STORE_UNAVAILABLE', true],
  ['killed', 'OUT_OF_MEMORY', true],
  ['crash', 'FFMPEG_FAILED', false],
  ['stall', 'FFMPEG_STALLED', false],
  ['no memory', 'OUT_OF_MEMORY', false],
] as const;

/** A provider whose predictions tests can read. Each failure happens once. */
export class FakeProvider {
  readonly predictions: (PredictionState & { key: string })[] = [];
  failures: (
    | 'refuse'
    | 'refuse output'
    | 'bad input'
    | 'lose reply'
    | 'lose request'
    | 'late'
    | 'fail'
    | 'gone'
    | 'empty'
    | 'lose download'
    | 'expired'
    | 'bad bytes'
    | 'full disk'
    | 'crash'
    | 'stall'
    | 'no memory'
    | 'killed'
  )[] = [];
  readonly canceled: string[] = [];
  downloads = 0;
  verified = 0;
  /** False: predictions wait in the provider's queue, and are free when canceled. */
  starts = true;
  /** True: the provider does not distinguish purchases of the same clip. */
  keyless = false;
  /** Predictions that succeeded without an output. */
  private readonly empty = new Set<string>();

  private takes(failure: FakeProvider['failures'][number]): boolean {
    const found = this.failures.indexOf(failure);
    if (found >= 0) this.failures.splice(found, 1);
    return found >= 0;
  }

  /** True: the provider cannot say whether it made a purchase that it does not list. */
  forgetful = false;
  /** A search for a prediction waits for a report for this long, ms. Undefined: the provider reports nothing. */
  reportsAfterMs: number | undefined;

  readonly provider: ClipProvider = {
    // The provider of the sample models.
    name: 'replicate',
    guarantee: 'never_twice',
    cacheOrigin: 'shop',
    submit: async (request: ClipRequest, _signal, beforeSend) => {
      await beforeSend?.();
      if (this.takes('refuse')) throw new ClipmeshError('PROVIDER_RATE_LIMITED', '429');
      if (this.takes('bad input')) throw new ClipmeshError('PROVIDER_BAD_INPUT', '422');
      if (this.takes('lose request')) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'no route');
      const id = `p${this.predictions.length + 1}`;
      const state = { id, status: 'processing' as const, ...(this.starts ? { startedAt: 'now' } : {}) };
      this.predictions.push({ ...state, key: request.attemptKey });
      if (this.takes('lose reply')) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'reset');
      return state;
    },
    get: ({ id }) => Promise.resolve(this.of(id)),
    find: async ({ request, adopt }) => {
      if (this.reportsAfterMs !== undefined) return { kind: 'pending', retryAfterMs: this.reportsAfterMs };
      if (this.forgetful) return { kind: 'unknowable' };
      const state = this.keyless
        ? await adopt(this.predictions)
        : this.predictions.find((one) => one.key === request.attemptKey);
      return state === undefined ? { kind: 'absent' } : { kind: 'found', state };
    },
    wait: ({ id }) => {
      if (this.takes('late')) return Promise.reject(new ClipmeshError('PROVIDER_TIMEOUT', 'late'));
      if (this.takes('gone')) return Promise.reject(new ClipmeshError('PROVIDER_BAD_INPUT', '404'));
      if (this.empty.has(id) || this.takes('empty')) {
        this.empty.add(id);
        return Promise.resolve(this.set(id, { status: 'succeeded', billedSeconds: 4 }));
      }
      if (this.takes('refuse output')) {
        const error = 'The request failed because the output video may contain sensitive information.';
        return Promise.resolve(this.set(id, { status: 'failed', error, billedSeconds: 4 }));
      }
      const status = this.takes('fail') ? 'failed' : 'succeeded';
      return Promise.resolve(this.set(id, { status, outputUrl: 'http://x/y.mp4', billedSeconds: 4 }));
    },
    cancel: ({ id }) => {
      this.canceled.push(id);
      const state = this.of(id);
      return Promise.resolve(state.status === 'succeeded' ? state : this.set(id, { status: 'canceled' }));
    },
    download: () => {
      this.downloads += 1;
      if (this.takes('lose download')) return Promise.reject(new ClipmeshError('DOWNLOAD_FAILED', 'reset'));
      if (this.takes('expired')) return Promise.reject(new ClipmeshError('DOWNLOAD_EXPIRED', '404'));
      return Promise.resolve({ bytes: 1 });
    },
  };

  /** The verification of the last downloaded or stored file. */
  verify(): Promise<ClipFacts> {
    this.verified += 1;
    if (this.takes('bad bytes')) return Promise.reject(new ClipmeshError('MEDIA_INVALID', 'it is a page'));
    const failure = FFMPEG_FAILURES.find(([name]) => this.takes(name));
    if (failure !== undefined)
      return Promise.reject(new ProcessError(failure[1], `ffmpeg: ${failure[0]}`, failure[2], undefined));
    return Promise.resolve({ contentType: 'video/mp4', durationSeconds: 4, width: 1280, height: 720 });
  }

  private of(id: string): PredictionState {
    return this.predictions.find((one) => one.id === id) ?? { id, status: 'failed' };
  }

  set(id: string, change: Partial<PredictionState>): PredictionState {
    const at = this.predictions.findIndex((one) => one.id === id);
    const before = this.predictions[at];
    if (before === undefined) throw new Error(`prediction ${id} was not bought`);
    const next = { ...before, ...change };
    this.predictions[at] = next;
    return next;
  }
}

/** One provider for every model. */
export const soldBy = (provider: ClipProvider): ClipProviders => ({ of: () => provider });

/** Dependencies that buy from the fake provider, with empty stores and no cache. */
export function depsOf(fake: FakeProvider): ClipDeps {
  const { purchases, idempotency } = createMemoryStores();
  const log = (): void => undefined;
  let canceled = false;
  return {
    providers: soldBy(fake.provider),
    models: SAMPLE_MODELS,
    purchases,
    claims: idempotency,
    cache: undefined,
    artifacts: {
      put: () => Promise.resolve(artifact),
      withFile: (_artifact: unknown, use: (file: string) => Promise<unknown>) => use('/nowhere/clip'),
    } as unknown as ClipDeps['artifacts'],
    isIntact: () => Promise.resolve(true),
    media: { verifyClip: () => fake.verify() },
    clipRules: { minShare: 0.5, maxSeconds: 600 },
    downloads: { tries: 2, firstDelayMs: 0, maxDelayMs: 0 },
    logger: { info: log, warn: log, error: log },
    scratch: { directory: '/nowhere', withFolder: (use) => use('/nowhere') },
    timeoutMs: 1000,
    planTimeoutMs: 1000,
    speechTimeoutMs: 1000,
    outcomeTimeouts: { callTimeoutMs: 0, settleMs: 0 },
    unknownPurchases: 'rebuy',
    clock: systemClock,
    isCanceled: () => Promise.resolve(canceled),
    markCanceled: () => Promise.resolve(void (canceled = true)),
  };
}

export const statusesOf = async ({ purchases }: ClipDeps): Promise<string[]> =>
  (await purchases.list(generationId)).map(({ value }) => value.status);
