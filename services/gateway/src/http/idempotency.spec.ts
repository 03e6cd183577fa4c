import { createGenerationSchema } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { createMemoryStores, type Stores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import fc from 'fast-check';
import { claimKey, fingerprintOf, legacyFingerprintOf, resolveClaim } from './idempotency.js';
import { removeGeneration } from '../retention/retention.js';

const AT = '2026-03-01T00:00:00.000Z';
const KEY = 'ann:spring';
const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;
const state = {
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
  status: 'succeeded',
} as const;

/** The stores with every call ordered by the scheduler. */
function scheduled(scheduler: fc.Scheduler, { idempotency, generations, purchases: attempts }: Stores) {
  const turn =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      scheduler.schedule(Promise.resolve()).then(() => call(...args));
  return {
    idempotency: { ...idempotency, claim: turn(idempotency.claim), release: turn(idempotency.release) },
    generations: {
      ...generations,
      get: turn(generations.get),
      create: turn(generations.create),
      remove: turn(generations.remove),
    },
    attempts: { ...attempts, remove: turn(attempts.remove) },
  };
}

describe('the key of a generation that is being removed', () => {
  it('never returns the removed id, and creates at most one new generation, at any interleaving', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), async (scheduler, requests) => {
        const stores = createMemoryStores();
        const record = (id: string) => ({
          id,
          owner: 'ann',
          createdAt: AT,
          updatedAt: AT,
          traceId: '0'.repeat(32),
          state,
          claim: KEY,
        });
        await stores.idempotency.claim(KEY, 'f', idOf(0));
        await stores.generations.create(record(idOf(0)));
        const turns = scheduled(scheduler, stores);
        const removal = removeGeneration(
          { stores: { ...stores, ...turns }, forget: () => Promise.resolve() },
          record(idOf(0)),
        );
        const requested = Array.from({ length: requests }, async (_, n) => {
          const claim = await claimKey(turns, KEY, 'f', idOf(n + 1));
          if (claim.fresh) await turns.generations.create(record(claim.generationId));
          return claim;
        });
        await scheduler.waitFor(Promise.all([removal, ...requested]));
        const claims = await Promise.all(requested);
        // Before the removal: the old generation. After it: one request creates a new generation, and the others get that one.
        for (const { generationId, stored } of claims) if (generationId === idOf(0)) expect(stored).toBe(true);
        expect(claims.filter(({ fresh }) => fresh).length).toBeLessThanOrEqual(1);
        expect(new Set(claims.map(({ generationId }) => generationId)).size).toBeLessThanOrEqual(2);
        const after = await claimKey(stores, KEY, 'f', idOf(99));
        expect(after.generationId).not.toBe(idOf(0));
        expect(after.fresh).toBe(!claims.some(({ fresh }) => fresh));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps its id after a crash of the create', async () => {
    const stores = createMemoryStores();
    await stores.idempotency.claim(KEY, 'f', idOf(0));
    expect(await claimKey(stores, KEY, 'f', idOf(1))).toEqual({
      fingerprint: 'f',
      generationId: idOf(0),
      fresh: false,
      stored: false,
    });
  });
});

describe('the fingerprint of a request', () => {
  const prompt = 'A kettle that sings.';
  const of = (json: string): string => fingerprintOf(createGenerationSchema.parse(JSON.parse(json)));
  const plain = of(`{"prompt":"${prompt}","durationSeconds":15,"metadata":{"a":"1","b":"2"}}`);

  it.each([
    `{"durationSeconds":15,"metadata":{"a":"1","b":"2"},"prompt":"${prompt}"}`,
    `{"prompt":"${prompt}","durationSeconds":15,"metadata":{"b":"2","a":"1"}}`,
    `{"prompt":"${prompt}","durationSeconds":15.0,"metadata":{"a":"1","b":"2"}}`,
    `{"prompt":"${prompt}","durationSeconds":1.5e1,"metadata":{"a":"1","b":"2"}}`,
    `{"prompt":"\\u0041 kettle that sings.","durationSeconds":15,"metadata":{"\\u0061":"1","b":"2"}}`,
    `{"prompt":"  ${prompt} ","durationSeconds":15,"metadata":{"a":"1","b":"2"}}`,
    `{"prompt":"${prompt}","metadata":{"a":"1","b":"2"}}`,
    `{"prompt":"${prompt}","durationSeconds":15,"aspectRatio":"9:16","cache":true,"metadata":{"a":"1","b":"2"}}`,
  ])('is the same for %s', (json) => {
    expect(of(json)).toBe(plain);
  });

  it.each([
    `{"prompt":"${prompt}","durationSeconds":16,"metadata":{"a":"1","b":"2"}}`,
    `{"prompt":"${prompt}","durationSeconds":15,"metadata":{"a":"2","b":"1"}}`,
    `{"prompt":"${prompt}","durationSeconds":15,"metadata":{"a":"1"}}`,
    `{"prompt":"${prompt}","durationSeconds":15,"cache":false,"metadata":{"a":"1","b":"2"}}`,
    `{"prompt":"${prompt}","durationSeconds":15,"seed":0,"metadata":{"a":"1","b":"2"}}`,
  ])('differs for %s', (json) => {
    expect(of(json)).not.toBe(plain);
  });

  it('does not depend on the order of fields at any depth', () => {
    const metadata = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.string({ maxLength: 8 }), {
      maxKeys: 6,
    });
    fc.assert(
      fc.property(metadata, (entries) => {
        const request = { prompt, metadata: entries, parallel: { enabled: true, maxWorkers: 2 } };
        const reversed = {
          parallel: { maxWorkers: 2, enabled: true },
          metadata: Object.fromEntries(Object.entries(entries).reverse()),
          prompt,
        };
        expect(fingerprintOf(createGenerationSchema.parse(reversed))).toBe(
          fingerprintOf(createGenerationSchema.parse(request)),
        );
      }),
    );
  });

  it('accepts a claim of a previous version for its own body only', () => {
    const request = createGenerationSchema.parse({ prompt, metadata: { b: '2', a: '1' } });
    const claim = { fingerprint: legacyFingerprintOf(request), generationId: idOf(0), fresh: false, stored: true };
    const resolve = (body: typeof request): boolean =>
      resolveClaim(claim, { fingerprints: [fingerprintOf(body), legacyFingerprintOf(body)], atMs: 0 });
    expect(resolve(request)).toBe(false);
    expect(() => resolve({ ...request, durationSeconds: 16 })).toThrow('was used with another body');
  });
});
