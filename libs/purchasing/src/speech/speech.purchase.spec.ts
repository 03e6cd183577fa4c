import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, type ClipmeshError } from '@clipmesh/contracts';
import { idOf } from '../../test/fake.cache.js';
import { body, depsOf, FakeProvider, noAbort } from '../../test/fake.provider.js';
import { FakeSpeech, order } from '../../test/fake.speech.js';
import { cancelPurchases } from '../clip/clip.cancel.js';
import { buyClip } from '../clip/clip.purchase.js';
import { type SpeechDeps, type SpeechOrder } from './speech.deps.js';
import { type BoughtSpeech, buySpeech } from './speech.purchase.js';
import { speechFingerprint } from './speech.rules.js';

const scratch: SpeechDeps['scratch'] = {
  directory: tmpdir(),
  withFolder: async (use) => {
    const folder = await mkdtemp(join(tmpdir(), 'speech-test-'));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

let fake: FakeSpeech;
let deps: SpeechDeps;
beforeEach(() => {
  fake = new FakeSpeech();
  deps = fake.deps(scratch);
});
const buy = (change: Partial<SpeechOrder> = {}, givesUp?: () => boolean): Promise<BoughtSpeech> =>
  buySpeech(deps, { ...order, ...change }, noAbort, givesUp);
const failure = (change: Partial<SpeechOrder> = {}, givesUp?: () => boolean): Promise<ClipmeshError> =>
  buy(change, givesUp).then(
    () => {
      throw new Error('it was bought');
    },
    (error: unknown) => error as ClipmeshError,
  );
/** `key amount outcome`, and whether it is assumed. */
const shown = (charges: readonly Charge[]): string[] =>
  charges.map(({ key, amountMicros, outcome, assumed }) =>
    [key.replace(`speech.${order.generationId}.`, ''), amountMicros, outcome, ...(assumed ? ['assumed'] : [])].join(
      ' ',
    ),
  );

describe('a speech', () => {
  it('is bought, stored, measured and charged', async () => {
    const { artifact, ...bought } = await buy();
    expect(bought).toMatchObject({ durationSeconds: 2, words: [{ word: 'The' }], cached: false });
    expect(shown(bought.charges)).toEqual(['speech:2.1 500 succeeded']);
    expect(bought.charges[0]).toMatchObject({ scene: 2, stage: 'audio', sku: 'minute' });
    expect(artifact.contentType).toBe('audio/wav');
    expect(await fake.statuses()).toEqual(['1: finished']);
  });

  it('is not bought again when its command is redelivered, with and without the cache', async () => {
    const first = await buy();
    expect(await buy()).toMatchObject({ artifact: first.artifact, charges: first.charges });
    await fake.clearCache();
    expect(await buy()).toMatchObject({ artifact: first.artifact, durationSeconds: 2, words: [{ word: 'The' }] });
    expect((await buy({ cache: false })).charges).toEqual(first.charges);
    expect([fake.calls, fake.verified]).toEqual([1, 1]);
  });

  it('is shared by generations that need the same, and is free for the others', async () => {
    const all = await Promise.all([1, 2, 3].map((n) => buy({ generationId: idOf(n), scene: n })));
    expect(fake.calls).toBe(1);
    expect(all.flatMap(({ charges }) => charges)).toHaveLength(1);
    expect(all.map(({ cached }) => cached).sort()).toEqual([false, true, true]);
    expect(all.every(({ words, durationSeconds }) => words?.length === 1 && durationSeconds === 2)).toBe(true);
    expect((await buy({ generationId: idOf(4), request: { ...order.request, speed: 1.1 } })).cached).toBe(false);
    expect((await buy({ generationId: idOf(5), cache: false })).cached).toBe(false);
    expect(fake.calls).toBe(3);
  });

  it('of another text is bought again, and both are charged', async () => {
    await buy();
    const { charges } = await buy({ attempt: 2, request: { text: 'It whistles.' } });
    expect(shown(charges)).toEqual(['speech:2.1 500 succeeded', 'speech:2.2 500 succeeded']);
  });

  it('is bought again when its file is lost', async () => {
    const { artifact } = await buy();
    fake.damaged.add(artifact.key);
    expect((await buy()).artifact.key).not.toBe(artifact.key);
    expect(await fake.statuses()).toEqual(['1: failed', '2: finished']);
  });

  it('is not bought when the generation was canceled before the call', async () => {
    fake.canceled = true;
    expect(await failure()).toMatchObject({ code: 'CANCELED', charges: [] });
    expect([fake.calls, await fake.statuses()]).toEqual([0, ['1: failed']]);
  });

  it('is bought once by two deliveries of a command at the same time', async () => {
    deps = { ...deps, cache: undefined };
    const [one, two] = await Promise.all([buy(), buy()]);
    expect(one.artifact).toEqual(two.artifact);
    expect([fake.charged.length, await fake.statuses()]).toEqual([1, ['1: finished']]);
  });
});

describe('a call of speech', () => {
  it.each([
    ['rate limit', { code: 'PROVIDER_RATE_LIMITED', retryable: true, retryAfterMs: 7, charges: [] }],
    ['refuse', { code: 'PREDICTION_REFUSED', retryable: false, charges: [] }],
  ] as const)('that ends with a %s costs nothing', async (name, error) => {
    fake.failures = [name];
    expect(await failure()).toMatchObject(error);
    expect(await fake.statuses()).toEqual(['1: failed']);
  });

  it.each(['lose reply', 'late'] as const)(
    'with the answer "%s" is charged at its highest price, and made once more',
    async (name) => {
      fake.failures = [name];
      expect(await failure()).toMatchObject({ retryable: true, charges: [] });
      expect(await fake.statuses()).toEqual(['1: unanswered']);
      const { charges } = await buy();
      expect(shown(charges)).toEqual(['purchase:2.1 900 failed assumed', 'speech:2.2 500 succeeded']);
      expect(charges[0]).toMatchObject({ provider: 'shop', model: 'voice-1', scene: 2, quantity: 17 });
      expect(fake.calls).toBe(2);
      expect((await buy()).charges).toEqual(charges);
    },
  );

  it('is made at most once more for a command, and again for the next one', async () => {
    fake.failures = ['lose reply', 'lose reply'];
    await failure();
    await failure();
    for (let times = 0; times < 2; times += 1) {
      const error = await failure();
      expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: false });
      expect(error.message).toContain('cannot say');
      expect(shown(error.charges)).toEqual(['purchase:2.1 900 failed assumed', 'purchase:2.2 900 failed assumed']);
    }
    expect(fake.calls).toBe(2);
    expect((await buy({ attempt: 2 })).charges).toHaveLength(3);
  });

  it('is not made once more when the setting says so', async () => {
    deps = { ...deps, unknownPurchases: 'fail' };
    fake.failures = ['lose reply'];
    await failure();
    expect(await failure()).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: false,
      charges: [{ assumed: true }],
    });
    expect(fake.calls).toBe(1);
  });

  it('that a server makes for nothing is repeated without a limit or a charge', async () => {
    fake.model = { ...fake.model, quote: () => ({ sku: 'minute', micros: 0 }) };
    deps = fake.deps(scratch);
    fake.failures = ['lose reply', 'lose reply', 'late'];
    for (let times = 0; times < 3; times += 1) await failure();
    expect(shown((await buy()).charges)).toEqual(['speech:2.4 500 succeeded']);
  });

  const killed = (change: object) =>
    deps.purchases.create({
      ...{ key: `speech.${order.generationId}.2.1`, generationId: order.generationId, kind: 'speech', scene: 2 },
      ...{ status: 'intended', model: 'voice-1', provider: 'shop', quoteMicros: 900, request: order.request },
      fingerprint: speechFingerprint(deps.model, order),
      ...{ createdAt: '2026-01-02T03:04:05.000Z', updatedAt: '2026-01-02T03:04:05.000Z' },
      ...change,
    });

  it('of a killed process is waited for, then charged and made once more', async () => {
    await killed({});
    fake.passes = true;
    const startMs = fake.nowMs;
    expect(shown((await buy()).charges)).toEqual(['purchase:2.1 900 failed assumed', 'speech:2.2 500 succeeded']);
    expect(fake.nowMs - startMs).toBe(60_000);
  });

  it('of a killed process for another text is not waited for, and is charged when it is over', async () => {
    await killed({ fingerprint: 'of another text' });
    expect(shown((await buy()).charges)).toEqual(['speech:2.2 500 succeeded']);
    fake.nowMs += 60_000;
    const { charges } = await buy({ attempt: 2, request: { text: 'Other words.' } });
    expect(shown(charges)).toEqual([
      ...['purchase:2.1 900 failed assumed', 'speech:2.2 500 succeeded', 'speech:2.3 500 succeeded'],
    ]);
  });

  it('that still runs in another process is waited for', async () => {
    let release = (): void => undefined;
    const running = new Promise<void>((resolve) => (release = resolve));
    fake.onCall = () => running;
    const first = buy({ cache: false });
    while (fake.calls === 0) await setImmediate();
    const second = buy({ cache: false });
    await setImmediate();
    release();
    expect((await second).artifact).toEqual((await first).artifact);
    expect([fake.calls, await fake.statuses()]).toEqual([1, ['1: finished']]);
  });

  it.each([
    ['bad answer', ['speech:2.1 900 failed assumed', 'speech:2.2 500 succeeded']],
    ['bad file', ['speech:2.1 900 failed assumed', 'speech:2.2 500 succeeded']],
    ['full store', ['speech:2.1 900 failed assumed', 'speech:2.2 500 succeeded']],
  ] as const)('that ends with a %s is charged, and made again by the next try', async (name, charges) => {
    fake.failures = [name];
    const error = await failure();
    expect(error).toMatchObject({ retryable: true });
    expect(shown(error.charges)).toEqual(charges.slice(0, 1));
    expect(shown((await buy()).charges)).toEqual(charges);
  });

  it('whose file could not be verified is not made again', async () => {
    fake.failures = ['no memory'];
    // The ledger keeps the first amount of a key, so an estimate must not be published.
    expect(await failure()).toMatchObject({ code: 'OUT_OF_MEMORY', retryable: true, charges: [] });
    expect(await fake.statuses()).toEqual(['1: submitted']);
    expect(shown((await buy()).charges)).toEqual(['speech:2.1 500 succeeded']);
    expect([fake.calls, fake.verified]).toEqual([1, 2]);
  });

  it('whose file could not be verified by the last try is charged', async () => {
    fake.failures = ['no memory'];
    for (let times = 0; times < 2; times += 1) {
      const error = await failure({}, () => true);
      expect([error.code, shown(error.charges)]).toEqual(['OUT_OF_MEMORY', ['speech:2.1 900 failed assumed']]);
    }
    expect(await fake.statuses()).toEqual(['1: failed']);
  });

  it('whose file could not be verified before the shutdown stays bought', async () => {
    fake.failures = ['no memory'];
    const caller = new AbortController();
    fake.onCall = () => {
      caller.abort();
      return Promise.resolve();
    };
    await expect(buySpeech(deps, order, caller.signal, () => true)).rejects.toThrow();
    expect(await fake.statuses()).toEqual(['1: submitted']);
    fake.onCall = () => Promise.resolve();
    expect(shown((await buy()).charges)).toEqual(['speech:2.1 500 succeeded']);
  });

  it('that fails for good fails again when its command is redelivered, and the next command buys', async () => {
    fake.failures = ['bad answer'];
    for (let times = 0; times < 2; times += 1)
      expect(await failure({}, () => true)).toMatchObject({
        ...{ code: 'PROVIDER_BAD_ANSWER', message: 'a page', charges: [{ key: expect.any(String) as unknown }] },
      });
    expect(fake.calls).toBe(1);
    expect((await buy({ attempt: 2 })).charges).toHaveLength(2);
  });

  it('that fails lets another generation buy that waits for it', async () => {
    fake.failures = ['refuse'];
    const [one, two] = await Promise.allSettled([buy(), buy({ generationId: idOf(2) })]);
    expect([one.status, two.status].sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('speech that is free', () => {
  beforeEach(() => {
    fake.model = {
      ...fake.model,
      guarantee: 'free',
      quote: () => ({ sku: 'free', micros: 0 }),
      charge: () => undefined,
    };
    deps = fake.deps(scratch);
  });

  it('has no purchase and no charge, and is cached', async () => {
    expect(await buy()).toMatchObject({ charges: [], cached: false, durationSeconds: 2 });
    expect(await buy({ generationId: idOf(2) })).toMatchObject({ charges: [], cached: true });
    expect([fake.calls, await fake.statuses()]).toEqual([1, []]);
  });

  it('is spoken again after a failure, but not when the same file would come again', async () => {
    fake.failures = ['bad file', 'no memory'];
    expect(await failure()).toMatchObject({ code: 'PROVIDER_BAD_INPUT', retryable: false, charges: [] });
    expect(await failure()).toMatchObject({ code: 'OUT_OF_MEMORY', retryable: true, charges: [] });
    expect(await buy()).toMatchObject({ charges: [] });
  });
});

describe('the purchases of a canceled generation', () => {
  const canceled = async () => {
    const clip = { ...depsOf(new FakeProvider()), purchases: deps.purchases, clock: fake.clock };
    const events = await cancelPurchases(clip, order.generationId, noAbort);
    return events.flatMap(({ body: event }) => ('charges' in event ? (event.charges as Charge[]) : []));
  };

  it('are settled with their charges, whatever became of them', async () => {
    await buy();
    fake.failures = ['lose reply'];
    await failure({ scene: 3, request: { text: 'More words.' } });
    fake.failures = ['no memory'];
    await failure({ scene: 4, request: { text: 'Other words.' } });
    const charges = await canceled();
    expect(shown(charges).sort()).toEqual([
      'purchase:3.1 900 failed assumed',
      'purchase:4.1 900 failed assumed',
      'speech:2.1 500 succeeded',
    ]);
    expect(await canceled()).toEqual(charges);
  });

  it('are not settled while a call may still run', async () => {
    let release = (): void => undefined;
    const running = new Promise<void>((resolve) => (release = resolve));
    fake.onCall = () => running;
    const bought = buy();
    while (fake.calls === 0) await setImmediate();
    await expect(canceled()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
    release();
    await bought;
    expect(shown(await canceled())).toEqual(['speech:2.1 500 succeeded']);
  });
});

describe('the clip of a scene', () => {
  it('is not confused with the speech of that scene', async () => {
    fake.failures = ['refuse'];
    await failure({ scene: body.scene, attempt: body.attempt, generationId: body.generationId });
    fake.failures = ['lose reply'];
    await failure({ scene: body.scene, attempt: 2, generationId: body.generationId });
    const provider = new FakeProvider();
    const [event] = await buyClip({ ...depsOf(provider), purchases: deps.purchases }, body, noAbort);
    expect(event?.body).toMatchObject({ predictionId: 'p1', charges: [{ kind: 'clip' }] });
    expect(provider.predictions).toHaveLength(1);
  });
});
