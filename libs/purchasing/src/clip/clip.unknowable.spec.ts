import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClipmeshError } from '@clipmesh/contracts';
import { body, depsOf, FakeProvider, generationId, noAbort, soldBy, statusesOf } from '../../test/fake.provider.js';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipDeps } from './clip.deps.js';
import { buyClip } from './clip.purchase.js';

const keyOf = (n: number): string => `clip.${generationId}.0.${n}`;

let fake: FakeProvider;
let deps: ClipDeps;
beforeEach(() => {
  fake = new FakeProvider();
  fake.forgetful = true;
  deps = {
    ...depsOf(fake),
    providers: soldBy({ ...fake.provider, name: 'acme', guarantee: 'at_most_once_more' }),
  };
});
const assumed = (n: number): object => ({
  key: `purchase:${keyOf(n)}`,
  provider: 'acme',
  amountMicros: 480_000,
  outcome: 'failed',
  assumed: true,
});

describe('a purchase whose outcome its provider cannot say', () => {
  it('is charged at its highest price and bought once more under another key', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({
      predictionId: 'p2',
      charges: [assumed(1), { key: 'prediction:acme:p2', provider: 'acme', amountMicros: 480_000 }],
    });
    expect(fake.predictions.map(({ key }) => key)).toEqual([keyOf(1), keyOf(2)]);
    expect(await statusesOf(deps)).toEqual(['failed', 'finished']);
    expect((await buyClip(deps, body, noAbort))[0]?.body).toMatchObject({ predictionId: 'p2' });
  });

  it('fails the scene when it is the second one of the command, and a redelivery buys nothing', async () => {
    for (let times = 0; times < 2; times += 1) {
      fake.failures = ['lose reply'];
      await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    }
    for (let times = 0; times < 2; times += 1)
      await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        retryable: false,
        charges: [assumed(1), assumed(2)],
      });
    expect(fake.predictions).toHaveLength(2);
    await buyClip(deps, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort);
    expect(fake.predictions).toHaveLength(3);
  });

  it('fails the scene at once when the setting says so', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    await expect(buyClip({ ...deps, unknownPurchases: 'fail' }, body, noAbort)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: false,
      charges: [assumed(1)],
    });
    expect(fake.predictions).toHaveLength(1);
  });

  it('is charged when the provider lost a prediction that it had accepted', async () => {
    fake.failures = ['gone'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'PREDICTION_FAILED',
      retryable: true,
      charges: [{ ...assumed(1), key: 'prediction:acme:p1' }],
    });
    fake.failures = ['gone'];
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: false,
    });
    expect(fake.predictions).toHaveLength(2);
  });

  it('is not closed while its call may be in progress', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const abort = new AbortController();
    const waiting = buyClip({ ...deps, outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } }, body, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow();
    expect(await statusesOf(deps)).toEqual(['unanswered']);
  });

  it('is charged by a cancel, once', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toBeInstanceOf(ClipmeshError);
    const events = await cancelPurchases(deps, generationId, noAbort);
    expect(events.map(({ body: event }) => event)).toMatchObject([{ predictionId: keyOf(1), charges: [assumed(1)] }]);
    expect(await cancelPurchases(deps, generationId, noAbort)).toEqual(events);
    expect(await statusesOf(deps)).toEqual(['canceled']);
  });

  it('is settled by the provider that the purchase names', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const asked: (string | undefined)[] = [];
    const { providers } = deps;
    const recording: ClipDeps['providers'] = {
      of: (model, purchasedFrom) => {
        asked.push(purchasedFrom);
        return providers.of(model, purchasedFrom);
      },
    };
    await buyClip({ ...deps, providers: recording }, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort);
    expect(asked[0]).toBe('acme');
  });
});
