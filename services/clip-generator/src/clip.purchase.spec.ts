import { beforeEach, describe, expect, it } from '@jest/globals';
import { type ClipGenerateBody, ClipmeshError, type Outgoing } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { type ClipRequest, type PredictionState } from '@clipmesh/providers';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipParts } from './clip.parts.js';
import { buyClip } from './clip.purchase.js';

const generationId = `gen_${'1'.repeat(32)}`;
const body: ClipGenerateBody = {
  generationId,
  attempt: 1,
  scene: 0,
  model: 'google/veo-3.1',
  prompt: 'a kettle',
  durationSeconds: 4,
  aspectRatio: '16:9',
  seed: 7,
};
const artifact = { key: `aa/${'a'.repeat(64)}.mp4`, sha256: 'a'.repeat(64), bytes: 1, contentType: 'video/mp4' };
const calm = new AbortController().signal;

/** A provider whose predictions are there for looking at; each fault happens once. */
class Shop {
  readonly predictions: (PredictionState & { key: string })[] = [];
  faults: (
    'refuse' | 'lose reply' | 'lose request' | 'late' | 'fail' | 'gone' | 'empty' | 'lose download' | 'expired'
  )[] = [];
  readonly canceled: string[] = [];
  /** Those that have succeeded without an output. */
  private readonly empty = new Set<string>();

  private takes(fault: Shop['faults'][number]): boolean {
    const found = this.faults.indexOf(fault);
    if (found >= 0) this.faults.splice(found, 1);
    return found >= 0;
  }

  readonly provider: ClipParts['provider'] = {
    name: 'shop',
    submit: async (request: ClipRequest, _signal, beforeSend) => {
      await beforeSend?.();
      if (this.takes('refuse')) throw new ClipmeshError('PROVIDER_RATE_LIMITED', '429');
      if (this.takes('lose request')) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'no route');
      const state = { id: `p${this.predictions.length + 1}`, status: 'processing' as const, startedAt: 'now' };
      this.predictions.push({ ...state, key: request.attemptKey });
      if (this.takes('lose reply')) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'reset');
      return state;
    },
    get: (id) => Promise.resolve(this.of(id)),
    find: (key) => Promise.resolve(this.predictions.find((one) => one.key === key)),
    wait: (id) => {
      if (this.takes('late')) return Promise.reject(new ClipmeshError('PROVIDER_TIMEOUT', 'late'));
      if (this.takes('gone')) return Promise.reject(new ClipmeshError('PROVIDER_BAD_INPUT', '404'));
      if (this.empty.has(id) || this.takes('empty')) {
        this.empty.add(id);
        return Promise.resolve(this.set(id, { status: 'succeeded', billedSeconds: 4 }));
      }
      const status = this.takes('fail') ? 'failed' : 'succeeded';
      return Promise.resolve(this.set(id, { status, outputUrl: 'http://x/y.mp4', billedSeconds: 4 }));
    },
    cancel: (id) => {
      this.canceled.push(id);
      const state = this.of(id);
      return Promise.resolve(state.status === 'succeeded' ? state : this.set(id, { status: 'canceled' }));
    },
    download: () => {
      if (this.takes('lose download')) return Promise.reject(new ClipmeshError('DOWNLOAD_FAILED', 'reset'));
      if (this.takes('expired')) return Promise.reject(new ClipmeshError('DOWNLOAD_EXPIRED', '404'));
      return Promise.resolve({ bytes: 1 });
    },
  };

  private of(id: string): PredictionState {
    return this.predictions.find((one) => one.id === id) ?? { id, status: 'failed' };
  }

  set(id: string, change: Partial<PredictionState>): PredictionState {
    const at = this.predictions.findIndex((one) => one.id === id);
    const next = { ...this.predictions[at]!, ...change };
    this.predictions[at] = next;
    return next;
  }
}

let shop: Shop;
let parts: ClipParts;
let canceled: boolean;
beforeEach(() => {
  shop = new Shop();
  canceled = false;
  const { attempts } = createMemoryStores();
  const log = (): void => undefined;
  parts = {
    provider: shop.provider,
    attempts,
    cache: undefined,
    artifacts: {
      put: () => Promise.resolve(artifact),
      stat: () => Promise.resolve({ bytes: 1 }),
    } as unknown as ClipParts['artifacts'],
    logger: { info: log, warn: log, error: log },
    scratch: { directory: '/nowhere', withFolder: (use) => use('/nowhere') },
    timeoutMs: 1000,
    planTimeoutMs: 1000,
    doubt: { callTimeoutMs: 0, settleMs: 0 },
    clock: systemClock,
    isCanceled: () => Promise.resolve(canceled),
    markCanceled: () => Promise.resolve(void (canceled = true)),
  };
});
const statuses = async (): Promise<string[]> =>
  (await parts.attempts.list(generationId)).map(({ value }) => value.status);

describe('buying a clip', () => {
  it.each([
    ['the same model', body.model],
    ['the next model', 'bytedance/seedance-1-lite'],
  ])(
    'buys once for a repeated command and a later one, for %s, that doubt one attempt at once',
    async (_name, model) => {
      for (const laterFirst of [false, true]) {
        shop.predictions.length = 0;
        // A call may be under way for a minute; one that has ended is not in doubt any more.
        const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
        const doubt = { callTimeoutMs: 60_000, settleMs: 0 };
        parts = { ...parts, clock, doubt, attempts: createMemoryStores().attempts };
        shop.faults = ['lose request'];
        await expect(buyClip(parts, body, calm)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
        expect(await statuses()).toEqual(['unanswered']);
        const commands = [body, { ...body, attempt: 2, model }];
        if (laterFirst) commands.reverse();
        await Promise.all(commands.map((command) => buyClip(parts, command, calm)));
        expect(shop.predictions.map(({ status }) => status)).toEqual(['succeeded']);
      }
    },
  );

  it('ends, and stops the spend, when the attempts are removed with their generation while the call is out', async () => {
    const { submit } = shop.provider;
    const provider: ClipParts['provider'] = {
      ...shop.provider,
      submit: async (request, signal, beforeSend) => {
        const state = await submit(request, signal, beforeSend);
        await parts.attempts.remove(generationId);
        return state;
      },
    };
    await expect(buyClip({ ...parts, provider }, body, calm)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(shop.canceled).toEqual(['p1']);
    expect(await statuses()).toEqual([]);
  });

  it('buys once, however often the command comes, and whatever its number', async () => {
    const [first] = await buyClip(parts, body, calm);
    const [again] = await buyClip(parts, body, calm);
    const [later] = await buyClip(parts, { ...body, attempt: 4, revival: 1 }, calm);
    expect(first?.body).toMatchObject({ predictionId: 'p1', charges: [{ amountMicros: 480_000 }] });
    expect(again?.body).toMatchObject({ predictionId: 'p1' });
    expect(later?.body).toMatchObject({ predictionId: 'p1', attempt: 4 });
    expect(shop.predictions).toHaveLength(1);
  });

  it.each<[Shop['faults'], string, number]>([
    [['lose reply'], 'unanswered', 1],
    [['lose request'], 'unanswered', 1],
    [['refuse'], 'failed', 1],
    [['lose download'], 'submitted', 1],
    [['fail'], 'failed', 2],
    [['late'], 'failed', 2],
    [['gone'], 'failed', 2],
    [['expired'], 'failed', 2],
  ])('after %j the attempt is %s, and the next try ends with %i predictions', async (faults, status, predictions) => {
    shop.faults = [...faults];
    await expect(buyClip(parts, body, calm)).rejects.toBeInstanceOf(ClipmeshError);
    expect(await statuses()).toEqual([status]);
    expect(shop.canceled).toEqual(faults[0] === 'late' ? ['p1'] : []);
    const [told] = await buyClip(parts, body, calm);
    expect(told?.definition.name).toBe('clip.generated');
    expect(shop.predictions).toHaveLength(predictions);
  });

  it('does not give up a prediction that the provider may only not show yet', async () => {
    parts = { ...parts, doubt: { callTimeoutMs: 0, settleMs: 60_000 } };
    shop.faults = ['gone'];
    await expect(buyClip(parts, body, calm)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
    expect(await statuses()).toEqual(['submitted']);
    await buyClip(parts, body, calm);
    expect(shop.predictions).toHaveLength(1);
  });

  it('takes a clip that was finished when it was canceled for being late', async () => {
    shop.faults = ['lose download'];
    await expect(buyClip(parts, body, calm)).rejects.toThrow('reset');
    shop.faults = ['late'];
    const [told] = await buyClip(parts, body, calm);
    expect(told?.body).toMatchObject({ predictionId: 'p1' });
  });

  it('takes what the former model had bought without saying so, and else buys from the next', async () => {
    shop.faults = ['lose reply'];
    await expect(buyClip(parts, body, calm)).rejects.toThrow('reset');
    const [told] = await buyClip(parts, { ...body, attempt: 2, model: 'google/veo-3' }, calm);
    expect(told?.body).toMatchObject({ model: 'google/veo-3.1', predictionId: 'p1' });

    shop.faults = ['lose request'];
    await expect(buyClip(parts, { ...body, scene: 1 }, calm)).rejects.toThrow('no route');
    const [other] = await buyClip(parts, { ...body, scene: 1, attempt: 2, model: 'google/veo-3' }, calm);
    expect(other?.body).toMatchObject({ model: 'google/veo-3', predictionId: 'p2' });
    expect(await statuses()).toEqual(['finished', 'failed', 'finished']);
  });

  it('leaves a prediction that succeeded without an output to the next model, and tells what it cost', async () => {
    shop.faults = ['empty'];
    await expect(buyClip(parts, body, calm)).rejects.toMatchObject({
      code: 'PROVIDER_BAD_ANSWER',
      retryable: false,
      charges: [{ key: 'prediction:p1' }],
    });
    expect(await statuses()).toEqual(['failed']);
    const [told] = await buyClip(parts, { ...body, attempt: 2, model: 'google/veo-3' }, calm);
    expect(told?.body).toMatchObject({ model: 'google/veo-3', predictionId: 'p2' });
  });

  it('tells what was paid for a clip that could not be collected', async () => {
    shop.faults = ['lose download'];
    await expect(buyClip(parts, body, calm)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      charges: [{ key: 'prediction:p1', amountMicros: 480_000 }],
    });
  });

  it('tells what was paid for a clip that could not be noted', async () => {
    const attempts: ClipParts['attempts'] = {
      ...parts.attempts,
      save: (attempt, revision) =>
        attempt.status === 'finished'
          ? Promise.reject(new ClipmeshError('STORE_UNAVAILABLE', 'away'))
          : parts.attempts.save(attempt, revision),
    };
    await expect(buyClip({ ...parts, attempts }, body, calm)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      charges: [{ key: 'prediction:p1' }],
    });
  });

  it('tells with the clip what an earlier try had cost, as its teller may have died', async () => {
    shop.faults = ['late'];
    await expect(buyClip(parts, body, calm)).rejects.toMatchObject({ charges: [{ key: 'prediction:p1' }] });
    const [told] = await buyClip(parts, body, calm);
    expect(told?.body).toMatchObject({ charges: [{ key: 'prediction:p1' }, { key: 'prediction:p2' }] });
  });

  it('does not buy while an earlier call may still be under way', async () => {
    shop.faults = ['lose request'];
    await expect(buyClip(parts, body, calm)).rejects.toThrow('no route');
    const abort = new AbortController();
    const waiting = buyClip({ ...parts, doubt: { callTimeoutMs: 0, settleMs: 60_000 } }, body, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow();
    expect(shop.predictions).toHaveLength(0);
  });
});

describe('canceling', () => {
  it('stops what was bought, found again or not, tells its cost, and says the same when asked again', async () => {
    shop.faults = ['lose reply'];
    await expect(buyClip(parts, body, calm)).rejects.toThrow('reset');
    const told = await cancelPurchases(parts, generationId, calm);
    expect(told.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ key: 'prediction:p1', outcome: 'canceled' }] },
    ]);
    expect(shop.canceled).toEqual(['p1']);
    expect(await cancelPurchases(parts, generationId, calm)).toEqual(told);
    expect(shop.canceled).toEqual(['p1']);
    expect(await statuses()).toEqual(['canceled']);
  });

  it('is seen by a purchase that begins while the canceler looks', async () => {
    canceled = true;
    await expect(buyClip(parts, body, calm)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(shop.predictions).toHaveLength(0);
    expect(await statuses()).toEqual(['failed']);
  });

  it('waits for a plan as long as its call may be out, which begins a while after its intent', async () => {
    const clock = { ...systemClock, now: () => Date.now() + 1500 };
    const at = new Date().toISOString();
    const intent = {
      generationId,
      key: 'llm.1',
      kind: 'llm',
      status: 'intended',
      model: 'gpt',
      fingerprint: 'f',
    } as const;
    const entry = await parts.attempts.create({ ...intent, createdAt: at, updatedAt: at });
    const slow = { ...parts, clock, doubt: { callTimeoutMs: 1000, settleMs: 0 } };
    await expect(cancelPurchases(slow, generationId, calm)).rejects.toMatchObject({ retryable: true });
    const charge = {
      ...{ key: 'completion:c1', kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt' },
      ...{ quantity: 20, unit: 'token', amountMicros: 100, outcome: 'succeeded' },
    } as const;
    const { revision } = await parts.attempts.save({ ...entry.value, status: 'finished', charge }, entry.revision);
    expect((await cancelPurchases(slow, generationId, calm)).map(({ body: event }) => event)).toMatchObject([
      { purchase: 'llm.1', charges: [charge] },
    ]);
    await parts.attempts.save(entry.value, revision);
    expect(await cancelPurchases(parts, generationId, calm).catch(() => 'in doubt')).toBe('in doubt');
    expect(await cancelPurchases({ ...parts, clock }, generationId, calm)).toEqual([]);
    expect(await statuses()).toEqual(['canceled']);
  });

  it('keeps what is still queued from being bought, although whoever asked has set no flag', async () => {
    await cancelPurchases(parts, generationId, calm);
    await expect(buyClip(parts, body, calm)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(shop.predictions).toHaveLength(0);
  });

  it('comes back while a call may be under way, and leaves finished clips alone', async () => {
    await buyClip(parts, body, calm);
    shop.faults = ['lose request'];
    await expect(buyClip(parts, { ...body, scene: 1 }, calm)).rejects.toThrow('no route');
    const doubtful = { ...parts, doubt: { callTimeoutMs: 0, settleMs: 60_000 } };
    await expect(cancelPurchases(doubtful, generationId, calm)).rejects.toMatchObject({ retryable: true });
    const told = await cancelPurchases(parts, generationId, calm);
    expect(told.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ outcome: 'succeeded' }] },
    ]);
    expect(shop.canceled).toEqual([]);
    expect(await statuses()).toEqual(['finished', 'canceled']);
  });

  it('settles a prediction that the provider does not know, and tells of the others at once', async () => {
    await buyClip(parts, body, calm);
    shop.faults = ['lose download'];
    await expect(buyClip(parts, { ...body, scene: 1 }, calm)).rejects.toThrow('reset');
    const provider: ClipParts['provider'] = {
      ...shop.provider,
      cancel: () => Promise.reject(new ClipmeshError('PROVIDER_BAD_INPUT', '404')),
    };
    const young = { ...parts, provider, doubt: { callTimeoutMs: 0, settleMs: 60_000 } };
    await expect(cancelPurchases(young, generationId, calm)).rejects.toMatchObject({ retryable: true });
    expect(await statuses()).toEqual(['finished', 'submitted']);
    const told = await cancelPurchases({ ...parts, provider }, generationId, calm);
    expect(told.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ outcome: 'succeeded' }] },
      { predictionId: 'p2', charges: [] },
    ]);
    expect(await statuses()).toEqual(['finished', 'canceled']);
  });

  it('comes back after a refusal that would be final for a purchase', async () => {
    shop.faults = ['lose reply'];
    await expect(buyClip(parts, body, calm)).rejects.toThrow('reset');
    const provider: ClipParts['provider'] = {
      ...shop.provider,
      cancel: () => Promise.reject(new ClipmeshError('PROVIDER_AUTH', '401')),
    };
    const stopped = cancelPurchases({ ...parts, provider }, generationId, calm);
    await expect(stopped).rejects.toMatchObject({ code: 'PROVIDER_AUTH', retryable: true });
  });

  it.each([
    ['while its reply is on the way', ['p1']],
    ['too early, when it did not show yet', []],
  ])('stays settled for a purchase that was looked for %s, and stops it', async (_name, shown) => {
    const { submit } = shop.provider;
    let told: Outgoing[] = [];
    const provider: ClipParts['provider'] = {
      ...shop.provider,
      find: (key) => Promise.resolve(shop.predictions.find(({ id, key: own }) => shown.includes(id) && own === key)),
      submit: async (request, signal, beforeSend) => {
        const state = await submit(request, signal, beforeSend);
        shop.set(state.id, { startedAt: undefined });
        told = await cancelPurchases({ ...parts, provider }, generationId, calm);
        return state;
      },
    };
    await expect(buyClip({ ...parts, provider }, body, calm)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(told).toHaveLength(shown.length);
    expect(shop.canceled).toContain('p1');
    expect(await statuses()).toEqual(['canceled']);
  });
});
