import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClipmeshError } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { body, noAbort, generationId, depsOf, FakeProvider, statusesOf } from '../test/clip.shop.js';
import { cancelPurchases } from './clip.cancel.js';
import { adoptFor, claimPrediction } from './clip.claims.js';
import { type ClipDeps } from './clip.parts.js';
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
    'buys once for a repeated command and a later one, for %s, that doubt one attempt at once',
    async (_name, model) => {
      for (const laterFirst of [false, true]) {
        fake.predictions.length = 0;
        // A call may be under way for a minute; one that has ended is not in doubt any more.
        const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
        const doubt = { callTimeoutMs: 60_000, settleMs: 0 };
        deps = { ...deps, clock, outcomeTimeouts: doubt, purchases: createMemoryStores().attempts };
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

  it('ends, and stops the spend, when the attempts are removed with their generation while the call is out', async () => {
    const { submit } = fake.provider;
    const provider: ClipDeps['provider'] = {
      ...fake.provider,
      submit: async (request, signal, beforeSend) => {
        const state = await submit(request, signal, beforeSend);
        await deps.purchases.remove(generationId);
        return state;
      },
    };
    await expect(buyClip({ ...deps, provider }, body, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(fake.canceled).toEqual(['p1']);
    expect(await statuses()).toEqual([]);
  });

  it('buys once, however often the command comes, and whatever its number', async () => {
    const [first] = await buyClip(deps, body, noAbort);
    const [again] = await buyClip(deps, body, noAbort);
    const [later] = await buyClip(deps, { ...body, attempt: 4, revival: 1 }, noAbort);
    expect(first?.body).toMatchObject({ predictionId: 'p1', charges: [{ amountMicros: 480_000 }] });
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
  ])('after %j the attempt is %s, and the next try ends with %i predictions', async (faults, status, predictions) => {
    fake.failures = [...faults];
    await expect(buyClip(deps, body, noAbort)).rejects.toBeInstanceOf(ClipmeshError);
    expect(await statuses()).toEqual([status]);
    expect(fake.canceled).toEqual(faults[0] === 'late' ? ['p1'] : []);
    const [event] = await buyClip(deps, { ...body, attempt: 2 }, noAbort);
    expect(event?.definition.name).toBe('clip.generated');
    expect(fake.predictions).toHaveLength(predictions);
  });

  it.each<[FakeProvider['failures'], number]>([
    [['bad bytes'], 2],
    [['expired'], 2],
    [['crash'], 2],
    [['no memory'], 2],
    [['bad bytes', 'bad bytes'], 3],
    [['expired', 'bad bytes'], 3],
  ])('after %j downloads again from the same prediction, %i times in all', async (faults, downloads) => {
    deps = { ...deps, downloads: { ...deps.downloads, tries: 3 } };
    fake.failures = [...faults];
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({ predictionId: 'p1', charges: [{ key: 'prediction:p1' }] });
    expect([fake.downloads, fake.predictions.length]).toEqual([downloads, 1]);
    expect(await statuses()).toEqual(['finished']);
  });

  it('pauses longer and longer between two downloads, to a limit', async () => {
    const pauses: number[] = [];
    const clock = { ...systemClock, sleep: (ms: number) => Promise.resolve(void pauses.push(ms)) };
    deps = { ...deps, clock, downloads: { tries: 5, firstDelayMs: 1000, maxDelayMs: 3000 } };
    fake.failures = Array.from({ length: 5 }, () => 'bad bytes' as const);
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'MEDIA_INVALID' });
    expect([pauses, fake.downloads]).toEqual([[1000, 2000, 3000, 3000], 5]);
  });

  it('takes a prediction whose output is never a clip for a failed one, and tells what it cost', async () => {
    fake.failures = ['bad bytes', 'bad bytes'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'MEDIA_INVALID',
      message: 'prediction p1 gave no clip that can be used, downloaded 2 times: it is a page',
      retryable: false,
      charges: [{ key: 'prediction:p1', amountMicros: 480_000 }],
    });
    const [event] = await buyClip(deps, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort);
    expect(event?.body).toMatchObject({ model: 'google/veo-3', predictionId: 'p2' });
    expect(await statuses()).toEqual(['failed', 'finished']);
  });

  it.each(['crash', 'stall', 'no memory'] as const)('fails for good when every try ends in: %s', async (fault) => {
    fake.failures = [fault, fault];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'MEDIA_INVALID',
      retryable: false,
      charges: [{ key: 'prediction:p1' }],
    });
  });

  it('collects a stored clip again over which ffmpeg crashes', async () => {
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
    'that ended after %j is not bought again by the same command, before and after the next one',
    async (faults, code) => {
      fake.failures = [...faults];
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

  it('that ended with the clip of a former model is not bought again by the same command', async () => {
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
  ])('is bought again by the same command after %s, unless that was its last try', async (fault, code) => {
    for (const isLast of [false, true]) {
      const own = { ...body, scene: Number(isLast) };
      fake.failures = [fault];
      await expect(buyClip(deps, own, noAbort, () => isLast)).rejects.toMatchObject({ code });
      const again = await buyClip(deps, own, noAbort).catch((error: unknown) => error);
      expect(again instanceof ClipmeshError ? again.code : 'bought').toBe(isLast ? code : 'bought');
    }
  });

  it('collects a finished clip again whose file cannot be used any more, and buys only when that fails', async () => {
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

  it('does not take the clip that was rejected, and buys one other, however often it is asked', async () => {
    await buyClip(deps, body, noAbort);
    const command = { ...body, attempt: 3, rejectedPrediction: 'p1' };
    for (let times = 0; times < 2; times += 1) {
      const [event] = await buyClip(deps, command, noAbort);
      expect(event?.body).toMatchObject({ predictionId: 'p2' });
    }
    expect(fake.predictions).toHaveLength(2);
    expect(await statuses()).toEqual(['failed', 'finished']);
  });

  it('does not give up a prediction that the provider may only not show yet', async () => {
    deps = { ...deps, outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } };
    fake.failures = ['gone'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
    expect(await statuses()).toEqual(['submitted']);
    await buyClip(deps, body, noAbort);
    expect(fake.predictions).toHaveLength(1);
  });

  it('takes a clip that was finished when it was canceled for being late', async () => {
    fake.failures = ['lose download'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    fake.failures = ['late'];
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({ predictionId: 'p1' });
  });

  it('takes what the former model had bought without saying so, and else buys from the next', async () => {
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

  it('whose output is refused says what it cost, and with another seed is another purchase', async () => {
    fake.failures = ['refuse output'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'OUTPUT_REFUSED',
      retryable: false,
      charges: [{ key: 'prediction:p1', amountMicros: 480_000, outcome: 'failed' }],
    });
    expect(await statuses()).toEqual(['failed']);
    // The same command comes again: its acknowledgement was lost.
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'OUTPUT_REFUSED', retryable: false });
    expect(fake.predictions).toHaveLength(1);
    const [event] = await buyClip(deps, { ...body, attempt: 2, seed: body.seed + 1 }, noAbort);
    expect(event?.body).toMatchObject({
      predictionId: 'p2',
      charges: [{ key: 'prediction:p1' }, { key: 'prediction:p2' }],
    });
  });

  it('that fails for an unknown reason is not bought again from the same model', async () => {
    fake.failures = ['fail'];
    for (const again of [body, body])
      await expect(buyClip(deps, again, noAbort)).rejects.toMatchObject({ code: 'MODEL_FAILED', retryable: false });
    expect(fake.predictions).toHaveLength(1);
    // The owner retries the generation: that is another command.
    await buyClip(deps, { ...body, attempt: 2 }, noAbort);
    expect(fake.predictions).toHaveLength(2);
  });

  it('leaves a prediction that succeeded without an output to the next model, and tells what it cost', async () => {
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

  it('tells what was paid for a clip that could not be collected', async () => {
    fake.failures = ['lose download'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      charges: [{ key: 'prediction:p1', amountMicros: 480_000 }],
    });
  });

  it('tells what was paid for a clip that could not be noted', async () => {
    const attempts: ClipDeps['purchases'] = {
      ...deps.purchases,
      save: (attempt, revision) =>
        attempt.status === 'finished'
          ? Promise.reject(new ClipmeshError('STORE_UNAVAILABLE', 'away'))
          : deps.purchases.save(attempt, revision),
    };
    await expect(buyClip({ ...deps, purchases: attempts }, body, noAbort)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      charges: [{ key: 'prediction:p1' }],
    });
  });

  it('tells with the clip what an earlier try had cost, as its teller may have died', async () => {
    fake.failures = ['late'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ charges: [{ key: 'prediction:p1' }] });
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({ charges: [{ key: 'prediction:p1' }, { key: 'prediction:p2' }] });
  });

  it.each<[FakeProvider['failures'], string[], number[]]>([
    [['lose reply'], ['p1'], [480_000, 480_000]],
    [['lose request'], [], [480_000]],
    [['lose download'], ['p1'], [480_000, 480_000]],
  ])(
    'of another clip first ends, and books, what the scene had in doubt after %j',
    async (faults, canceled, amounts) => {
      fake.failures = [...faults];
      await expect(buyClip(deps, body, noAbort)).rejects.toBeInstanceOf(ClipmeshError);
      const [event] = await buyClip(deps, { ...body, attempt: 2, seed: 99 }, noAbort);
      expect(fake.canceled).toEqual(canceled);
      expect(event?.body).toMatchObject({
        predictionId: `p${amounts.length}`,
        charges: amounts.map((amountMicros) => ({ amountMicros })),
      });
      expect(await statuses()).toEqual(['canceled', 'finished']);
    },
  );

  it('of another clip does not spend what the scene turns out to have cost', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const command = { ...body, attempt: 2, seed: 99, allowanceMicros: 500_000 };
    await expect(buyClip(deps, command, noAbort)).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      charges: [{ key: 'prediction:p1' }],
    });
    expect(fake.predictions).toHaveLength(1);
  });

  describe('at a provider that tells no purchase of the same clip from another', () => {
    beforeEach(() => {
      fake.keyless = true;
    });
    const scene = (n: number, attempt = 1): typeof body => ({ ...body, scene: n, attempt });
    const idOf = (event: Awaited<ReturnType<typeof buyClip>>): unknown =>
      (event[0]?.body as { predictionId?: unknown }).predictionId;

    it('gives each of two purchases whose answers were lost a prediction of its own', async () => {
      for (const n of [0, 1]) {
        fake.failures = ['lose reply'];
        await expect(buyClip(deps, scene(n), noAbort)).rejects.toThrow('reset');
      }
      const found = await Promise.all([buyClip(deps, scene(1), noAbort), buyClip(deps, scene(0), noAbort)]);
      expect(found.map(idOf).sort()).toEqual(['p1', 'p2']);
      expect(fake.predictions).toHaveLength(2);
    });

    it('leaves the prediction of another purchase alone, and buys when its own never came', async () => {
      const first = await buyClip(deps, scene(0), noAbort);
      fake.failures = ['lose request'];
      await expect(buyClip(deps, scene(1), noAbort)).rejects.toThrow('no route');
      const second = await buyClip(deps, scene(1), noAbort);
      expect([idOf(first), idOf(second)]).toEqual(['p1', 'p2']);
    });

    it('does not take a failed prediction of the try before', async () => {
      fake.failures = ['fail'];
      await expect(buyClip(deps, scene(0), noAbort)).rejects.toMatchObject({ code: 'MODEL_FAILED' });
      fake.failures = ['lose reply'];
      await expect(buyClip(deps, scene(0, 2), noAbort)).rejects.toThrow('reset');
      expect(idOf(await buyClip(deps, scene(0, 2), noAbort))).toBe('p2');
      expect(fake.predictions).toHaveLength(2);
    });

    it('looks for its own when another took its prediction while its answer was on the way', async () => {
      const { submit } = fake.provider;
      fake.failures = ['lose reply'];
      await expect(buyClip(deps, scene(1), noAbort)).rejects.toThrow('reset');
      const provider: ClipDeps['provider'] = {
        ...fake.provider,
        submit: async (request, signal, beforeSend) => {
          const state = await submit(request, signal, beforeSend);
          // The other purchase finds p1, its own; what it leaves is p2. So p2 is taken here, and p1 is left.
          await deps.claims.claim(`prediction\n${state.id}`, 'another purchase', generationId);
          return state;
        },
      };
      expect(idOf(await buyClip({ ...deps, provider }, scene(0), noAbort))).toBe('p1');
      expect(fake.predictions).toHaveLength(2);
    });

    it('takes none while its own call may be under way, but the one that it had claimed', async () => {
      fake.failures = ['lose reply'];
      await expect(buyClip(deps, scene(0), noAbort)).rejects.toThrow('reset');
      const [entry] = await deps.purchases.list(generationId);
      const [made] = fake.predictions;
      expect(await adoptFor(deps, entry!, false)([made!])).toBeUndefined();
      expect(await claimPrediction(deps, entry!.value, made!.id)).toBe(true);
      expect(await adoptFor(deps, entry!, false)([{ ...made!, id: 'older' }, made!])).toBe(made);
      expect(await deps.claims.peek('prediction\nolder')).toBeUndefined();
    });

    it('cancels no prediction of another purchase', async () => {
      await buyClip(deps, scene(0), noAbort);
      fake.failures = ['lose request'];
      await expect(buyClip(deps, scene(1), noAbort)).rejects.toThrow('no route');
      await cancelPurchases(deps, generationId, noAbort);
      expect(fake.canceled).toEqual([]);
    });
  });

  it('does not buy while an earlier call may still be under way', async () => {
    fake.failures = ['lose request'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('no route');
    const abort = new AbortController();
    const waiting = buyClip({ ...deps, outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } }, body, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow();
    expect(fake.predictions).toHaveLength(0);
  });
});
