import { SAMPLE_MODELS } from '@clipmesh/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type ClipGenerateBody, ClipmeshError, type Outgoing } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { cacheOf, idOf } from '../../test/fake.cache.js';
import { artifact, body as someBody, noAbort, soldBy } from '../../test/fake.provider.js';
import { clipKey } from './clip.cache.js';
import { type ClipDeps } from './clip.deps.js';
import { buyClip } from './clip.purchase.js';

const body = (n: number, change: Partial<ClipGenerateBody> = {}): ClipGenerateBody => ({
  ...someBody,
  generationId: idOf(n),
  ...change,
});

let bought: string[];
let intact: boolean;
let verify: ClipDeps['media']['verifyClip'];
/** The error of the next prediction that ends. */
let failing: string | undefined;
let hold: Promise<void> | undefined;
let canceled: Set<string>;
/** Cache scope by generation. Generations without one share a scope. */
let owners: Map<string, string>;
let deps: ClipDeps;

beforeEach(() => {
  bought = [];
  intact = true;
  verify = () => Promise.resolve({ contentType: 'video/mp4', durationSeconds: 4, width: 1280, height: 720 });
  failing = undefined;
  hold = undefined;
  canceled = new Set();
  owners = new Map();
  const { purchases, cache, idempotency } = createMemoryStores();
  const log = (): void => undefined;
  deps = {
    models: SAMPLE_MODELS,
    providers: soldBy({
      name: 'replicate',
      guarantee: 'never_twice',
      cacheOrigin: 'shop',
      submit: async ({ attemptKey }, _signal, beforeSend) => {
        await beforeSend?.();
        bought.push(attemptKey);
        return { id: `p${bought.length}`, status: 'processing', startedAt: 'now' };
      },
      get: ({ id }) => Promise.resolve({ id, status: 'processing' }),
      find: () => Promise.resolve({ kind: 'absent' }),
      wait: async ({ id }, { signal }) => {
        if (hold !== undefined)
          await Promise.race([
            hold,
            new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                reject(signal.reason as Error);
              });
            }),
          ]);
        const error = failing;
        failing = undefined;
        if (error !== undefined) return { id, status: 'failed', error };
        return { id, status: 'succeeded', outputUrl: 'http://x/y.mp4', billedSeconds: 4 };
      },
      cancel: ({ id }) => Promise.resolve({ id, status: 'canceled' }),
      download: () => Promise.resolve({ bytes: 1 }),
    }),
    purchases,
    claims: idempotency,
    artifacts: {
      put: () => Promise.resolve(artifact),
      withFile: (_artifact: unknown, use: (file: string) => Promise<unknown>) => use('/nowhere/clip'),
    } as unknown as ClipDeps['artifacts'],
    isIntact: () => Promise.resolve(intact),
    media: { verifyClip: (...args) => verify(...args) },
    clipRules: { minShare: 0.5, maxSeconds: 600 },
    downloads: { tries: 2, firstDelayMs: 0, maxDelayMs: 0 },
    cache: cacheOf(cache, (id) => owners.get(id)),
    logger: { info: log, warn: log, error: log },
    scratch: { directory: '/nowhere', withFolder: (use) => use('/nowhere') },
    timeoutMs: 10_000,
    planTimeoutMs: 1000,
    speechTimeoutMs: 1000,
    outcomeTimeouts: { callTimeoutMs: 0, settleMs: 0 },
    unknownPurchases: 'rebuy',
    clock: systemClock,
    isCanceled: (id) => Promise.resolve(canceled.has(id)),
    markCanceled: (id) => Promise.resolve(void canceled.add(id)),
  };
});

const bodyOf = (outgoing: Outgoing[]): unknown => outgoing[0]?.body;

describe('the key of a clip', () => {
  it('depends on everything that changes the clip, and on nothing else', () => {
    const key = clipKey('shop', body(1));
    expect(clipKey('shop', body(2, { scene: 3, attempt: 4, revival: 1, cache: true }))).toBe(key);
    const others: Partial<ClipGenerateBody>[] = [
      { model: 'google/veo-3' },
      { prompt: 'a pan' },
      { durationSeconds: 6 },
      { aspectRatio: '9:16' },
      { seed: 8 },
      { referenceImage: artifact },
      { referenceImage: { ...artifact, sha256: 'b'.repeat(64) } },
    ];
    const keys = others.map((change) => clipKey('shop', body(1, change)));
    expect(new Set([key, clipKey('another shop', body(1)), ...keys]).size).toBe(others.length + 2);
  });
});

describe('a clip in the cache', () => {
  it('is free, is marked as cached, and names its prediction', async () => {
    expect(bodyOf(await buyClip(deps, body(1), noAbort))).toMatchObject({ cached: false, charges: [{ quantity: 4 }] });
    expect(bodyOf(await buyClip(deps, body(2, { scene: 1 }), noAbort))).toMatchObject({
      cached: true,
      charges: [],
      predictionId: 'p1',
      model: 'google/veo-3.1',
      clip: artifact,
      scene: 1,
    });
    expect(bought).toHaveLength(1);
  });

  it('is not marked as cached for a redelivered command of its buyer', async () => {
    await buyClip(deps, body(1), noAbort);
    expect(bodyOf(await buyClip(deps, body(1), noAbort))).toMatchObject({ cached: false, predictionId: 'p1' });
    expect(bought).toHaveLength(1);
  });

  it('is bought again when its file is missing or damaged', async () => {
    await buyClip(deps, body(1), noAbort);
    intact = false;
    expect(bodyOf(await buyClip(deps, body(2), noAbort))).toMatchObject({ cached: false, predictionId: 'p2' });
    intact = true;
    expect(bodyOf(await buyClip(deps, body(3), noAbort))).toMatchObject({ cached: true, predictionId: 'p2' });
  });

  it('is bought again when its file is not a clip', async () => {
    await buyClip(deps, body(1), noAbort);
    const good = verify;
    verify = () => {
      verify = good;
      return Promise.reject(new ClipmeshError('MEDIA_INVALID', 'it is a page'));
    };
    expect(bodyOf(await buyClip(deps, body(2), noAbort))).toMatchObject({ cached: false, predictionId: 'p2' });
    expect(bodyOf(await buyClip(deps, body(3), noAbort))).toMatchObject({ cached: true, predictionId: 'p2' });
  });

  it('is bought again when it was rejected', async () => {
    await buyClip(deps, body(1), noAbort);
    const command = body(2, { rejectedPrediction: 'p1' });
    expect(bodyOf(await buyClip(deps, command, noAbort))).toMatchObject({ cached: false, predictionId: 'p2' });
    expect(bodyOf(await buyClip(deps, body(3), noAbort))).toMatchObject({ cached: true, predictionId: 'p2' });
  });

  it('does not exist when the output was not a clip', async () => {
    const good = verify;
    verify = () => Promise.reject(new ClipmeshError('MEDIA_INVALID', 'it is a page'));
    await expect(buyClip(deps, body(1), noAbort)).rejects.toMatchObject({ code: 'MEDIA_INVALID', retryable: false });
    expect(await deps.cache?.leases.store.all()).toEqual([]);
    verify = good;
    expect(bodyOf(await buyClip(deps, body(2), noAbort))).toMatchObject({ cached: false, predictionId: 'p2' });
  });

  it.each<[string, (own: ClipDeps) => [ClipDeps, ClipGenerateBody]]>([
    ['the request', (own) => [own, body(2, { cache: false })]],
    ['the setting', (own) => [{ ...own, cache: undefined }, body(2)]],
  ])('is bought again when %s disables the cache', async (_name, without) => {
    await buyClip(deps, body(1), noAbort);
    const [own, asked] = without(deps);
    expect(bodyOf(await buyClip(own, asked, noAbort))).toMatchObject({ cached: false, predictionId: 'p2' });
    expect(bodyOf(await buyClip(deps, body(3), noAbort))).toMatchObject({ cached: true, predictionId: 'p1' });
  });
});

describe('the clip of another owner', () => {
  beforeEach(() => {
    owners = new Map([
      [idOf(1), 'owner:ann'],
      [idOf(2), 'owner:bob'],
      [idOf(3), 'owner:ann'],
    ]);
  });

  it('is bought again, without waiting', async () => {
    expect(bodyOf(await buyClip(deps, body(1), noAbort))).toMatchObject({ cached: false, predictionId: 'p1' });
    expect(bodyOf(await buyClip(deps, body(2), noAbort))).toMatchObject({ cached: false, predictionId: 'p2' });
    expect(bodyOf(await buyClip(deps, body(3), noAbort))).toMatchObject({ cached: true, predictionId: 'p1' });
    expect(bodyOf(await buyClip(deps, body(2, { scene: 1 }), noAbort))).toMatchObject({
      cached: true,
      predictionId: 'p2',
    });
  });

  it('is not waited for while it is being bought, unlike one of the same owner', async () => {
    let release: () => void = () => undefined;
    hold = new Promise((resolve) => (release = resolve));
    const first = buyClip(deps, body(1), noAbort);
    while (bought.length < 1) await new Promise((resolve) => setImmediate(resolve));
    const others = [buyClip(deps, body(2), noAbort), buyClip(deps, body(3), noAbort)];
    while (bought.length < 2) await new Promise((resolve) => setImmediate(resolve));
    release();
    const all = await Promise.all([first, ...others]);
    expect(all.map((outgoing) => (bodyOf(outgoing) as { cached: boolean }).cached)).toEqual([false, false, true]);
    expect(bought).toHaveLength(2);
  });
});

describe('an unavailable cache', () => {
  it('does not fail a clip that is already bought', async () => {
    const { cache } = deps;
    if (cache === undefined) throw new Error('no cache');
    const { store } = cache.leases;
    const away: typeof store = {
      ...store,
      save: (entry, revision) =>
        entry.status === 'ready'
          ? Promise.reject(new ClipmeshError('STORE_UNAVAILABLE', 'unavailable'))
          : store.save(entry, revision),
    };
    const own = { ...deps, cache: { ...cache, leases: { ...cache.leases, store: away } } };
    expect(bodyOf(await buyClip(own, body(1), noAbort))).toMatchObject({
      predictionId: 'p1',
      charges: [{ quantity: 4 }],
    });
  });
});

describe('a clip that another generation is buying', () => {
  it('is waited for', async () => {
    let release = (): void => undefined;
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const all = [1, 2, 3].map((n) => buyClip(deps, body(n), noAbort));
    release();
    const answers = (await Promise.all(all)).map(bodyOf);
    expect(bought).toHaveLength(1);
    expect(answers.filter((answer) => (answer as { cached: boolean }).cached)).toHaveLength(2);
  });

  it('is bought by a waiting generation when the purchase fails', async () => {
    failing = 'no frames';
    let release = (): void => undefined;
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const first = buyClip(deps, body(1), noAbort);
    const refused = expect(first).rejects.toMatchObject({ code: 'MODEL_FAILED' });
    while (bought.length === 0) await systemClock.sleep(1);
    const second = buyClip(deps, body(2), noAbort);
    release();
    await refused;
    expect(bodyOf(await second)).toMatchObject({ cached: false, predictionId: 'p2' });
  });

  it.each([
    ['canceled', true, 'p2', false],
    ['redelivered', false, 'p1', true],
  ])('goes to a waiting generation when the buyer is %s', async (_name, isCancel, predictionId, cached) => {
    let release = (): void => undefined;
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const abort = new AbortController();
    const first = buyClip(deps, body(1), abort.signal);
    while (bought.length === 0) await systemClock.sleep(1);
    const second = buyClip(deps, body(2), noAbort);
    if (isCancel) canceled.add(idOf(1));
    abort.abort(new ClipmeshError('CANCELED', 'stopped'));
    await expect(first).rejects.toThrow('stopped');
    release();
    // Any replica may receive the redelivery.
    if (!isCancel) await buyClip(deps, body(1), noAbort);
    expect(bodyOf(await second)).toMatchObject({ cached, predictionId });
  });
});
