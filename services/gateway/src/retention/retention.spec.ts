import { describe, expect, it } from '@jest/globals';
import { type Artifact, type GenerationRecord, type GenerationStatus, SCENE_STEPS } from '@clipmesh/contracts';
import { type CacheEntry, createMemoryStores, type Stores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import fc from 'fast-check';
import { removeExpired, removeGeneration, removeOrphans, type RetentionDeps } from './retention.js';
import { filesOf, idAt, isExpired } from './retention.rules.js';

const DAY = 86_400_000;
const NOW = Date.parse('2026-03-01T00:00:00.000Z');
const never = new AbortController().signal;
const fileOf = (n: number): Artifact => {
  const sha256 = n.toString(16).padStart(64, '0');
  return { key: `${sha256.slice(0, 2)}/${sha256}.mp4`, sha256, bytes: 1, contentType: 'video/mp4' };
};

function recordOf(createdMs: number, status: GenerationStatus, finishedMs?: number): GenerationRecord {
  return {
    id: `gen_${createdMs.toString(16).padStart(12, '0')}${'7'.repeat(20)}`,
    owner: 'local',
    createdAt: new Date(createdMs).toISOString(),
    updatedAt: new Date(createdMs).toISOString(),
    traceId: '0'.repeat(32),
    state: {
      ...initialState({
        prompt: 'A kettle that sings.',
        durationSeconds: 9,
        aspectRatio: '9:16',
        seed: 1,
        overlays: true,
        models: ['google/veo-3.1'],
        window: 2,
        fallbackAfter: 3,
      }),
      status,
      ...(finishedMs === undefined ? {} : { finishedAt: new Date(finishedMs).toISOString() }),
    },
  };
}

function withClip(record: GenerationRecord, clip: Artifact): GenerationRecord {
  const scene = { index: 0, status: 'done', attempt: 1, modelIndex: 0, cached: false, costMicros: 0, clip } as const;
  return { ...record, state: { ...record.state, scenes: [scene] } };
}

function cacheEntry(n: number): CacheEntry {
  const at = new Date(NOW).toISOString();
  return {
    key: n.toString(16).padStart(64, 'a'),
    kind: 'clip',
    status: 'ready',
    holder: 'h',
    leaseUntil: at,
    createdAt: at,
    usedAt: at,
    model: 'm',
    artifact: fileOf(n),
  };
}

/** An in-memory artifact store: storage time by key. */
function fakeFiles(stored: Map<string, number>): RetentionDeps['artifacts'] {
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    async *list() {
      for (const [key, storedAt] of [...stored]) yield { key, bytes: 1, storedAt };
    },
    removeOld: ({ key }, notAfterMs) =>
      Promise.resolve((stored.get(key) ?? Infinity) <= notAfterMs && stored.delete(key)),
    sweepTemporary: () => Promise.resolve(0),
  };
}

function depsOf(stores: Stores, stored: Map<string, number>, purged: string[] = []): RetentionDeps {
  return {
    stores,
    artifacts: fakeFiles(stored),
    forget: ({ generationId }) => Promise.resolve(void purged.push(generationId)),
    logger: { info: () => undefined, warn: () => undefined },
    now: () => NOW,
    retentionMs: 30 * DAY,
    orphanGraceMs: DAY,
  };
}

describe('an expired generation', () => {
  const cutoff = NOW - 30 * DAY;
  it.each<[GenerationStatus, number | undefined, boolean]>([
    ['succeeded', cutoff, true],
    ['succeeded', cutoff + 1, false],
    ['failed', cutoff - DAY, true],
    ['canceled', cutoff - DAY, true],
    ['generating', undefined, false],
    ['awaiting_approval', undefined, false],
  ])('with status %s, ended at %s: %s', (status, finishedMs, expected) => {
    expect(isExpired(recordOf(cutoff - 2 * DAY, status, finishedMs), cutoff)).toBe(expected);
  });

  it('is found by the time in its id, over several pages', async () => {
    const stores = createMemoryStores();
    for (let n = 0; n < 250; n += 1) {
      const createdMs = NOW - 60 * DAY + n * (DAY / 4);
      await stores.generations.create(recordOf(createdMs, n % 5 === 0 ? 'generating' : 'succeeded', createdMs + 1000));
    }
    const purged: string[] = [];
    const removed = await removeExpired(depsOf(stores, new Map(), purged), never);
    const left = await stores.generations.list({ limit: 1000 });
    expect(removed).toBe(purged.length);
    expect(left.some((record) => isExpired(record, NOW - 30 * DAY))).toBe(false);
    expect(left).toHaveLength(250 - removed);
    expect(removed).toBeGreaterThan(90);
    expect(left.filter(({ id }) => id < idAt(NOW - 30 * DAY)).every(({ state }) => state.status === 'generating')).toBe(
      true,
    );
  });

  it('is kept completely while the broker has unhandled events of it', async () => {
    const stores = createMemoryStores();
    const record = recordOf(NOW - 60 * DAY, 'failed', NOW - 59 * DAY);
    await stores.generations.create(record);
    const deps = { ...depsOf(stores, new Map()), forget: () => Promise.reject(new Error('not yet')) };
    expect(await removeExpired(deps, never)).toBe(0);
    expect(await stores.generations.get(record.id)).toBeDefined();
  });
});

describe('a generation that is retried during its removal', () => {
  it.each(['before', 'while its messages are removed'] as const)('is kept: %s', async (when) => {
    const stores = createMemoryStores();
    const record = recordOf(NOW - 60 * DAY, 'failed', NOW - 59 * DAY);
    const { revision } = await stores.generations.create(record);
    const retry = async (): Promise<void> => {
      await stores.generations.save({ ...record, state: { ...record.state, status: 'generating' } }, revision);
    };
    if (when === 'before') await retry();
    const purged: string[] = [];
    const forget = async (of: { generationId: string }): Promise<void> => {
      purged.push(of.generationId);
      await retry();
    };
    await expect(removeGeneration({ stores, forget }, record)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(purged).toHaveLength(when === 'before' ? 0 : 1);
    expect((await stores.generations.get(record.id))?.value.state.status).toBe('generating');
  });
});

describe('unreferenced files', () => {
  it('are removed when they are old; files of a record, a purchase or the cache are kept', async () => {
    const references = fc.array(fc.constantFrom('record', 'attempt', 'cache', 'none'), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(references, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), async (kinds, young) => {
        const stores = createMemoryStores();
        const stored = new Map<string, number>();
        for (const [n, kind] of kinds.entries()) {
          stored.set(fileOf(n).key, young[n] === true ? NOW - 1 : NOW - 2 * DAY);
          const record = recordOf(NOW - n, kind === 'attempt' ? 'generating' : 'succeeded', NOW);
          if (kind === 'record') await stores.generations.create(withClip(record, fileOf(n)));
          if (kind === 'cache') await stores.cache.create(cacheEntry(n));
          if (kind !== 'attempt') continue;
          await stores.generations.create(record);
          await stores.purchases.create({
            key: 'a',
            generationId: record.id,
            kind: 'clip',
            status: 'finished',
            model: 'm',
            fingerprint: 'f',
            createdAt: record.createdAt,
            updatedAt: record.createdAt,
            artifact: fileOf(n),
          });
        }
        const removed = await removeOrphans(depsOf(stores, stored), never);
        const expected = kinds.filter((kind, n) => kind === 'none' && young[n] !== true);
        expect(removed).toBe(expected.length);
        for (const [n, kind] of kinds.entries())
          expect(stored.has(fileOf(n).key)).toBe(kind !== 'none' || young[n] === true);
      }),
      { numRuns: 100 },
    );
  });

  it('are kept when they are stored again or referenced during the sweep', async () => {
    for (const meanwhile of ['stored', 'referenced'] as const) {
      const stores = createMemoryStores();
      const stored = new Map([[fileOf(1).key, NOW - 2 * DAY]]);
      const deps = depsOf(stores, stored);
      let reads = 0;
      const all = stores.cache.all.bind(stores.cache);
      const cache = {
        ...stores.cache,
        // The first read after the files were listed.
        all: async () => {
          reads += 1;
          if (meanwhile === 'stored') stored.set(fileOf(1).key, NOW);
          else await stores.generations.create(withClip(recordOf(NOW, 'generating'), fileOf(1)));
          return all();
        },
      };
      expect(await removeOrphans({ ...deps, stores: { ...stores, cache } }, never)).toBe(0);
      expect([reads, stored.has(fileOf(1).key)]).toEqual([1, true]);
    }
  });

  it('are kept when a reference appears, at any interleaving of two sweeps, hits, evictions and puts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom('hit', 'hit', 'put', 'evict', 'expire'), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (scheduler, others, hasOwner) => {
          const stores = createMemoryStores();
          const { key } = fileOf(1);
          const stored = new Map([[key, NOW - 2 * DAY]]);
          const turn = (): Promise<void> => scheduler.schedule(Promise.resolve());
          const cached = await stores.cache.create(cacheEntry(1));
          const owner = withClip(recordOf(NOW - 60 * DAY, 'succeeded', NOW - 59 * DAY), fileOf(1));
          if (hasOwner) await stores.generations.create(owner);
          const records = others.map((_, n) => recordOf(NOW - n, 'generating'));
          for (const record of records) await stores.generations.create(record);
          /** Stores the reference in the record, some time later. */
          const take = async (record: GenerationRecord): Promise<void> => {
            await turn();
            const found = await stores.generations.get(record.id);
            await stores.generations.save(withClip(record, fileOf(1)), found?.revision ?? '');
          };
          const acts: Record<(typeof others)[number], (record: GenerationRecord) => Promise<void>> = {
            hit: async (record) => {
              await turn();
              if ((await stores.cache.get(cached.value.key)) === undefined) return;
              await turn();
              // Like `ArtifactStore.renew`.
              if (!stored.has(key)) return;
              stored.set(key, NOW);
              await take(record);
            },
            put: async (record) => {
              await turn();
              stored.set(key, NOW);
              await take(record);
            },
            evict: async () => {
              await turn();
              const found = await stores.cache.get(cached.value.key);
              if (found !== undefined) await stores.cache.remove(found.value.key, found.revision);
            },
            expire: async () => {
              await turn();
              await stores.generations.remove(owner.id);
            },
          };
          const files = fakeFiles(stored);
          const deps = {
            ...depsOf(stores, stored),
            stores: {
              ...stores,
              cache: { ...stores.cache, all: () => turn().then(stores.cache.all) },
              attempts: { ...stores.purchases, list: (id: string) => turn().then(() => stores.purchases.list(id)) },
              generations: {
                ...stores.generations,
                list: (query: Parameters<Stores['generations']['list']>[0]) =>
                  turn().then(() => stores.generations.list(query)),
              },
            },
            artifacts: {
              ...files,
              removeOld: (file: { key: string }, notAfterMs: number) =>
                turn().then(() => files.removeOld(file, notAfterMs)),
              async *list() {
                await turn();
                yield* files.list();
              },
            },
          };
          const sweeps = [1, 2].map(() => turn().then(() => removeOrphans(deps, never)));
          const work = others.map((kind, n) => acts[kind](records[n] as GenerationRecord));
          await scheduler.waitFor(Promise.all([...sweeps, ...work]));
          const kept = await stores.generations.list({ limit: 100 });
          for (const file of kept.flatMap(filesOf)) expect(stored.has(file)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

it('a generation references the files of its job, of every step of its scenes, and of its previous video', () => {
  const record = recordOf(NOW, 'queued');
  const steps = Object.fromEntries(SCENE_STEPS.map(({ result }, n) => [result, fileOf(n + 1)]));
  const scene = {
    index: 0,
    status: 'done',
    attempt: 2,
    modelIndex: 0,
    cached: false,
    costMicros: 0,
    ...steps,
    thumbnail: { picture: fileOf(99), luma: 100, contrast: 50, detail: 0.1 },
    blend: { kind: 'wipe', clip: fileOf(98), from: 'a', to: 'b' },
  } as const;
  expect(filesOf({ ...record, state: { ...record.state, scenes: [scene] } })).toEqual(
    [...SCENE_STEPS.map((_, n) => fileOf(n + 1)), fileOf(99), fileOf(98)].map(({ key }) => key),
  );
  const job = { ...record.state.job, music: { artifact: fileOf(1), volume: 0.3 }, referenceImage: fileOf(2) };
  expect(filesOf({ ...record, state: { ...record.state, job } })).toEqual([fileOf(1).key, fileOf(2).key]);
  const previousResult = { video: fileOf(3), thumbnail: fileOf(4), durationSeconds: 9, width: 720, height: 1280 };
  expect(filesOf({ ...record, state: { ...record.state, previousResult } })).toEqual([fileOf(3).key, fileOf(4).key]);
});
