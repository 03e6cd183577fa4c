import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClipmeshError } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { type ClipProvider } from '@clipmesh/providers';
import { body, depsOf, FakeProvider, generationId, noAbort, soldBy, statusesOf } from '../../test/fake.provider.js';
import { cancelPurchases } from './clip.cancel.js';
import { adoptFor, claimPrediction } from './clip.claims.js';
import { type ClipDeps } from './clip.deps.js';
import { buyClip } from './clip.purchase.js';

let fake: FakeProvider;
let deps: ClipDeps;
beforeEach(() => {
  fake = new FakeProvider();
  deps = depsOf(fake);
});
const statuses = (): Promise<string[]> => statusesOf(deps);

describe('buying a clip', () => {
  it.each([
    ['the same model', body.model],
    ['the next model', 'bytedance/seedance-1-lite'],
  ])(
    'buys once when a repeated and a later command, for %s, settle one unknown outcome at the same time',
    async (_name, model) => {
      for (const laterFirst of [false, true]) {
        fake.predictions.length = 0;
        // A call may be in progress for a minute; the outcome of one that has ended is known at once.
        const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
        const outcomeTimeouts = { callTimeoutMs: 60_000, settleMs: 0 };
        deps = { ...deps, clock, outcomeTimeouts, purchases: createMemoryStores().purchases };
        fake.failures = ['lose request'];
        await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
        expect(await statuses()).toEqual(['unanswered']);
        const commands = [body, { ...body, attempt: 2, model }];
        if (laterFirst) commands.reverse();
        await Promise.all(commands.map((command) => buyClip(deps, command, noAbort)));
        expect(fake.predictions.map(({ status }) => status)).toEqual(['succeeded']);
      }
    },
  );

  it('cancels its prediction when the generation and its purchases are removed during the call', async () => {
    const { submit } = fake.provider;
    const provider: ClipProvider = {
      ...fake.provider,
      submit: async (request, signal, beforeSend) => {
        const state = await submit(request, signal, beforeSend);
        await deps.purchases.remove(generationId);
        return state;
      },
    };
    await expect(buyClip({ ...deps, providers: soldBy(provider) }, body, noAbort)).rejects.toMatchObject({
      code: 'CANCELED',
    });
    expect(fake.canceled).toEqual(['p1']);
    expect(await statuses()).toEqual([]);
  });

  it('buys once for redelivered and later commands', async () => {
    const [first] = await buyClip(deps, body, noAbort);
    const [again] = await buyClip(deps, body, noAbort);
    const [later] = await buyClip(deps, { ...body, attempt: 4, revival: 1 }, noAbort);
    expect(first?.body).toMatchObject({
      predictionId: 'p1',
      charges: [{ provider: 'replicate', amountMicros: 480_000 }],
    });
    expect(again?.body).toMatchObject({ predictionId: 'p1' });
    expect(later?.body).toMatchObject({ predictionId: 'p1', attempt: 4 });
    expect(fake.predictions).toHaveLength(1);
  });

  it.each<[FakeProvider['failures'], string, number]>([
    [['lose reply'], 'unanswered', 1],
    [['lose request'], 'unanswered', 1],
    [['refuse'], 'failed', 1],
    [['lose download'], 'submitted', 1],
    [['fail'], 'failed', 2],
    [['late'], 'failed', 2],
    [['gone'], 'failed', 2],
    [['expired', 'expired'], 'failed', 2],
    [['bad bytes', 'bad bytes'], 'failed', 2],
    [['bad bytes', 'expired'], 'failed', 2],
    [['bad bytes', 'lose download'], 'submitted', 1],
    [['full disk'], 'submitted', 1],
    [['killed'], 'submitted', 1],
    [['crash', 'crash'], 'failed', 2],
    [['no memory', 'stall'], 'failed', 2],
    [['stall', 'bad bytes'], 'failed', 2],
    [['crash', 'killed'], 'submitted', 1],
  ])(
    'after %j the purchase is %s, and the next try ends with %i predictions',
    async (failures, status, predictions) => {
      fake.failures = [...failures];
      await expect(buyClip(deps, body, noAbort)).rejects.toBeInstanceOf(ClipmeshError);
      expect(await statuses()).toEqual([status]);
      expect(fake.canceled).toEqual(failures[0] === 'late' ? ['p1'] : []);
      const [event] = await buyClip(deps, { ...body, attempt: 2 }, noAbort);
      expect(event?.definition.name).toBe('clip.generated');
      expect(fake.predictions).toHaveLength(predictions);
    },
  );

  it.each<[FakeProvider['failures'], number]>([
    [['bad bytes'], 2],
    [['expired'], 2],
    [['crash'], 2],
    [['no memory'], 2],
    [['bad bytes', 'bad bytes'], 3],
    [['expired', 'bad bytes'], 3],
  ])('after %j downloads again from the same prediction, %i times in total', async (failures, downloads) => {
    deps = { ...deps, downloads: { ...deps.downloads, tries: 3 } };
    fake.failures = [...failures];
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({ predictionId: 'p1', charges: [{ key: 'prediction:p1' }] });
    expect([fake.downloads, fake.predictions.length]).toEqual([downloads, 1]);
    expect(await statuses()).toEqual(['finished']);
  });

  it('doubles the pause between two downloads, up to a limit', async () => {
    const pauses: number[] = [];
    const clock = { ...systemClock, sleep: (ms: number) => Promise.resolve(void pauses.push(ms)) };
    deps = { ...deps, clock, downloads: { tries: 5, firstDelayMs: 1000, maxDelayMs: 3000 } };
    fake.failures = Array.from({ length: 5 }, () => 'bad bytes' as const);
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'MEDIA_INVALID' });
    expect([pauses, fake.downloads]).toEqual([[1000, 2000, 3000, 3000], 5]);
  });

  it('fails a prediction whose output is never a clip, with its charge', async () => {
    fake.failures = ['bad bytes', 'bad bytes'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'MEDIA_INVALID',
      message: 'prediction p1 has no usable clip, downloaded 2 times: it is a page',
      retryable: false,
      charges: [{ key: 'prediction:p1', amountMicros: 480_000 }],
    });
    const [event] = await buyClip(deps, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort);
    expect(event?.body).toMatchObject({ model: 'google/veo-3', predictionId: 'p2' });
    expect(await statuses()).toEqual(['failed', 'finished']);
  });

  it.each(['crash', 'stall', 'no memory'] as const)('fails for good when every try ends in: %s', async (failure) => {
    fake.failures = [failure, failure];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'MEDIA_INVALID',
      retryable: false,
      charges: [{ key: 'prediction:p1' }],
    });
  });

  it('collects a clip again when ffmpeg crashes on the stored file', async () => {
    await buyClip(deps, body, noAbort);
    fake.failures = ['crash'];
    const [again] = await buyClip(deps, body, noAbort);
    expect(again?.body).toMatchObject({ predictionId: 'p1' });
    expect([fake.downloads, fake.predictions.length]).toEqual([2, 1]);
  });

  it.each<[FakeProvider['failures'], string]>([
    [['fail'], 'MODEL_FAILED'],
    [['refuse output'], 'OUTPUT_REFUSED'],
    [['empty'], 'PROVIDER_BAD_ANSWER'],
    [['bad bytes', 'bad bytes'], 'MEDIA_INVALID'],
    [['expired', 'expired'], 'DOWNLOAD_EXPIRED'],
    [['crash', 'crash'], 'MEDIA_INVALID'],
    [['bad input'], 'PROVIDER_BAD_INPUT'],
  ])(
    'that failed with %j is not bought again by the same command, before and after the next one',
    async (failures, code) => {
      fake.failures = [...failures];
      await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code, retryable: false });
      const bought = fake.predictions.length;
      await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code, retryable: false });
      expect(fake.predictions).toHaveLength(bought);
      await buyClip(deps, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort);
      const error = await buyClip(deps, body, noAbort).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, retryable: false });
      expect(fake.predictions).toHaveLength(bought + 1);
    },
  );

  it('that failed with the clip of a previous model is not bought again by the same command', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const next = { ...body, attempt: 2, model: 'google/veo-3' };
    fake.failures = ['bad bytes', 'bad bytes'];
    for (let times = 0; times < 2; times += 1)
      await expect(buyClip(deps, next, noAbort)).rejects.toMatchObject({ code: 'MEDIA_INVALID' });
    expect(fake.predictions).toHaveLength(1);
  });

  it.each<[FakeProvider['failures'][number], string]>([
    ['late', 'PROVIDER_TIMEOUT'],
    ['gone', 'PREDICTION_FAILED'],
    ['refuse', 'PROVIDER_RATE_LIMITED'],
  ])('buys again for the same command after %s, unless that was its last try', async (failure, code) => {
    for (const isLast of [false, true]) {
      const own = { ...body, scene: Number(isLast) };
      fake.failures = [failure];
      await expect(buyClip(deps, own, noAbort, () => isLast)).rejects.toMatchObject({ code });
      const again = await buyClip(deps, own, noAbort).catch((error: unknown) => error);
      expect(again instanceof ClipmeshError ? again.code : 'bought').toBe(isLast ? code : 'bought');
    }
  });

  it('collects a finished clip again when its file is unusable, and buys only when that fails', async () => {
    await buyClip(deps, body, noAbort);
    fake.failures = ['bad bytes'];
    const [again] = await buyClip(deps, body, noAbort);
    expect(again?.body).toMatchObject({ predictionId: 'p1', charges: [{ key: 'prediction:p1' }] });
    expect([fake.downloads, fake.predictions.length]).toEqual([2, 1]);

    fake.failures = ['bad bytes', 'expired', 'expired'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'DOWNLOAD_EXPIRED' });
    expect(await statuses()).toEqual(['failed']);
    const [other] = await buyClip(deps, { ...body, attempt: 2 }, noAbort);
    expect(other?.body).toMatchObject({ predictionId: 'p2' });
  });

  it('does not reuse a rejected clip, and buys another one once', async () => {
    await buyClip(deps, body, noAbort);
    const command = { ...body, attempt: 3, rejectedPrediction: 'p1' };
    for (let times = 0; times < 2; times += 1) {
      const [event] = await buyClip(deps, command, noAbort);
      expect(event?.body).toMatchObject({ predictionId: 'p2' });
    }
    expect(fake.predictions).toHaveLength(2);
    expect(await statuses()).toEqual(['failed', 'finished']);
  });

  it('keeps a prediction that the provider may not list yet', async () => {
    deps = { ...deps, outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } };
    fake.failures = ['gone'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
    expect(await statuses()).toEqual(['submitted']);
    await buyClip(deps, body, noAbort);
    expect(fake.predictions).toHaveLength(1);
  });

  it('uses a clip that finished before it was canceled for a timeout', async () => {
    fake.failures = ['lose download'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    fake.failures = ['late'];
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({ predictionId: 'p1' });
  });

  it('uses the clip of a previous model with a lost answer, and otherwise buys from the next model', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const [event] = await buyClip(deps, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort);
    expect(event?.body).toMatchObject({ model: 'google/veo-3.1', predictionId: 'p1' });

    fake.failures = ['lose request'];
    await expect(buyClip(deps, { ...body, scene: 1 }, noAbort)).rejects.toThrow('no route');
    const [other] = await buyClip(deps, { ...body, scene: 1, attempt: 2, model: 'google/veo-3' }, noAbort);
    expect(other?.body).toMatchObject({ model: 'google/veo-3', predictionId: 'p2' });
    expect(await statuses()).toEqual(['finished', 'failed', 'finished']);
  });

  it('charges a refused output, and buys again for another seed', async () => {
    fake.failures = ['refuse output'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'OUTPUT_REFUSED',
      retryable: false,
      charges: [{ key: 'prediction:p1', amountMicros: 480_000, outcome: 'failed' }],
    });
    expect(await statuses()).toEqual(['failed']);
    // The command is redelivered, as its ack was lost.
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'OUTPUT_REFUSED', retryable: false });
    expect(fake.predictions).toHaveLength(1);
    const [event] = await buyClip(deps, { ...body, attempt: 2, seed: body.seed + 1 }, noAbort);
    expect(event?.body).toMatchObject({
      predictionId: 'p2',
      charges: [{ key: 'prediction:p1' }, { key: 'prediction:p2' }],
    });
  });

  it('does not buy again from the same model after a failure for an unknown reason', async () => {
    fake.failures = ['fail'];
    for (const again of [body, body])
      await expect(buyClip(deps, again, noAbort)).rejects.toMatchObject({ code: 'MODEL_FAILED', retryable: false });
    expect(fake.predictions).toHaveLength(1);
    // A retry of the generation is another command.
    await buyClip(deps, { ...body, attempt: 2 }, noAbort);
    expect(fake.predictions).toHaveLength(2);
  });

  it('charges a prediction that succeeded without an output, and leaves the clip to the next model', async () => {
    fake.failures = ['empty'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'PROVIDER_BAD_ANSWER',
      retryable: false,
      charges: [{ key: 'prediction:p1' }],
    });
    expect(await statuses()).toEqual(['failed']);
    const [event] = await buyClip(deps, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort);
    expect(event?.body).toMatchObject({ model: 'google/veo-3', predictionId: 'p2' });
  });

  it('reports the charge of a clip that could not be collected', async () => {
    fake.failures = ['lose download'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      charges: [{ key: 'prediction:p1', amountMicros: 480_000 }],
    });
  });

  it('reports the charge of a clip whose purchase could not be saved', async () => {
    const purchases: ClipDeps['purchases'] = {
      ...deps.purchases,
      save: (purchase, revision) =>
        purchase.status === 'finished'
          ? Promise.reject(new ClipmeshError('STORE_UNAVAILABLE', 'unavailable'))
          : deps.purchases.save(purchase, revision),
    };
    await expect(buyClip({ ...deps, purchases }, body, noAbort)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      charges: [{ key: 'prediction:p1' }],
    });
  });

  it('reports the charge of an earlier try with the clip, as its event may be lost', async () => {
    fake.failures = ['late'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ charges: [{ key: 'prediction:p1' }] });
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({ charges: [{ key: 'prediction:p1' }, { key: 'prediction:p2' }] });
  });

  it.each<[FakeProvider['failures'], string[], number[]]>([
    [['lose reply'], ['p1'], [480_000, 480_000]],
    [['lose request'], [], [480_000]],
    [['lose download'], ['p1'], [480_000, 480_000]],
  ])('of another clip first cancels and charges the unknown outcome after %j', async (failures, canceled, amounts) => {
    fake.failures = [...failures];
    await expect(buyClip(deps, body, noAbort)).rejects.toBeInstanceOf(ClipmeshError);
    const [event] = await buyClip(deps, { ...body, attempt: 2, seed: 99 }, noAbort);
    expect(fake.canceled).toEqual(canceled);
    expect(event?.body).toMatchObject({
      predictionId: `p${amounts.length}`,
      charges: amounts.map((amountMicros) => ({ amountMicros })),
    });
    expect(await statuses()).toEqual(['canceled', 'finished']);
  });

  it('of another clip counts the cost of the settled purchase against the budget', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const command = { ...body, attempt: 2, seed: 99, allowanceMicros: 500_000 };
    await expect(buyClip(deps, command, noAbort)).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      charges: [{ key: 'prediction:p1' }],
    });
    expect(fake.predictions).toHaveLength(1);
  });

  describe('at a provider that does not distinguish purchases of the same clip', () => {
    beforeEach(() => {
      fake.keyless = true;
    });
    const scene = (n: number, attempt = 1): typeof body => ({ ...body, scene: n, attempt });
    const idOf = (outgoing: Awaited<ReturnType<typeof buyClip>>): unknown =>
      (outgoing[0]?.body as { predictionId?: unknown }).predictionId;

    it('assigns one prediction to each of two purchases whose answers were lost', async () => {
      for (const n of [0, 1]) {
        fake.failures = ['lose reply'];
        await expect(buyClip(deps, scene(n), noAbort)).rejects.toThrow('reset');
      }
      const found = await Promise.all([buyClip(deps, scene(1), noAbort), buyClip(deps, scene(0), noAbort)]);
      expect(found.map(idOf).sort()).toEqual(['p1', 'p2']);
      expect(fake.predictions).toHaveLength(2);
    });

    it('does not use the prediction of another purchase, and buys when its own does not exist', async () => {
      const first = await buyClip(deps, scene(0), noAbort);
      fake.failures = ['lose request'];
      await expect(buyClip(deps, scene(1), noAbort)).rejects.toThrow('no route');
      const second = await buyClip(deps, scene(1), noAbort);
      expect([idOf(first), idOf(second)]).toEqual(['p1', 'p2']);
    });

    it('does not use the failed prediction of an earlier step', async () => {
      fake.failures = ['fail'];
      await expect(buyClip(deps, scene(0), noAbort)).rejects.toMatchObject({ code: 'MODEL_FAILED' });
      fake.failures = ['lose reply'];
      await expect(buyClip(deps, scene(0, 2), noAbort)).rejects.toThrow('reset');
      expect(idOf(await buyClip(deps, scene(0, 2), noAbort))).toBe('p2');
      expect(fake.predictions).toHaveLength(2);
    });

    it('searches for its own prediction when another purchase claimed it before the answer arrived', async () => {
      const { submit } = fake.provider;
      fake.failures = ['lose reply'];
      await expect(buyClip(deps, scene(1), noAbort)).rejects.toThrow('reset');
      const provider: ClipProvider = {
        ...fake.provider,
        submit: async (request, signal, beforeSend) => {
          const state = await submit(request, signal, beforeSend);
          // The other purchase has claimed p2, so p1 is left for this one.
          await deps.claims.claim(`prediction\n${state.id}`, 'another purchase', generationId);
          return state;
        },
      };
      expect(idOf(await buyClip({ ...deps, providers: soldBy(provider) }, scene(0), noAbort))).toBe('p1');
      expect(fake.predictions).toHaveLength(2);
    });

    it('claims none while its own call may be in progress, but uses the one that it claimed before', async () => {
      fake.failures = ['lose reply'];
      await expect(buyClip(deps, scene(0), noAbort)).rejects.toThrow('reset');
      const [entry] = await deps.purchases.list(generationId);
      const [made] = fake.predictions;
      expect(await adoptFor(deps, entry!, false)([made!])).toBeUndefined();
      expect(await claimPrediction(deps, entry!.value, made!.id)).toBe(true);
      expect(await adoptFor(deps, entry!, false)([{ ...made!, id: 'older' }, made!])).toBe(made);
      expect(await deps.claims.peek('prediction\nolder')).toBeUndefined();
    });

    it('does not cancel the prediction of another purchase', async () => {
      await buyClip(deps, scene(0), noAbort);
      fake.failures = ['lose request'];
      await expect(buyClip(deps, scene(1), noAbort)).rejects.toThrow('no route');
      await cancelPurchases(deps, generationId, noAbort);
      expect(fake.canceled).toEqual([]);
    });
  });

  it('does not buy while an earlier call may still be in progress', async () => {
    fake.failures = ['lose request'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('no route');
    const abort = new AbortController();
    const waiting = buyClip({ ...deps, outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } }, body, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow();
    expect(fake.predictions).toHaveLength(0);
  });
});
