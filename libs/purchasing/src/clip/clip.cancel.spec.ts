import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, ClipmeshError, type Outgoing } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { type ClipProvider } from '@clipmesh/providers';
import { body, depsOf, FakeProvider, generationId, noAbort, soldBy, statusesOf } from '../../test/fake.provider.js';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipDeps } from './clip.deps.js';
import { buyClip } from './clip.purchase.js';

let fake: FakeProvider;
let deps: ClipDeps;
beforeEach(() => {
  fake = new FakeProvider();
  deps = depsOf(fake);
});
const statuses = (): Promise<string[]> => statusesOf(deps);

describe('canceling', () => {
  it('cancels a purchase whose answer was lost, and returns the same charges when repeated', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const events = await cancelPurchases(deps, generationId, noAbort);
    expect(events.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ key: 'prediction:p1', outcome: 'canceled' }] },
    ]);
    expect(fake.canceled).toEqual(['p1']);
    expect(await cancelPurchases(deps, generationId, noAbort)).toEqual(events);
    expect(fake.canceled).toEqual(['p1']);
    expect(await statuses()).toEqual(['canceled']);
  });

  it('stops a purchase that starts while the canceler runs', async () => {
    await deps.markCanceled(generationId);
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(fake.predictions).toHaveLength(0);
    expect(await statuses()).toEqual(['failed']);
  });

  it('waits for a plan while its call may be in progress, which starts some time after its intent', async () => {
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
    const entry = await deps.purchases.create({ ...intent, createdAt: at, updatedAt: at });
    const slow = { ...deps, clock, outcomeTimeouts: { callTimeoutMs: 1000, settleMs: 0 } };
    await expect(cancelPurchases(slow, generationId, noAbort)).rejects.toMatchObject({ retryable: true });
    const charge: Charge = {
      ...{ key: 'completion:c1', kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt' },
      ...{ quantity: 20, unit: 'token', amountMicros: 100, outcome: 'succeeded' },
    };
    const { revision } = await deps.purchases.save({ ...entry.value, status: 'finished', charge }, entry.revision);
    expect((await cancelPurchases(slow, generationId, noAbort)).map(({ body: event }) => event)).toMatchObject([
      { purchase: 'llm.1', charges: [charge] },
    ]);
    await deps.purchases.save(entry.value, revision);
    expect(await cancelPurchases(deps, generationId, noAbort).catch(() => 'unknown')).toBe('unknown');
    expect(await cancelPurchases({ ...deps, clock }, generationId, noAbort)).toEqual([]);
    expect(await statuses()).toEqual(['canceled']);
  });

  it('stops queued commands from buying, even when the publisher of the cancel did not set the flag', async () => {
    await cancelPurchases(deps, generationId, noAbort);
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(fake.predictions).toHaveLength(0);
  });

  it('throws a retryable error while a call may be in progress, and does not cancel finished clips', async () => {
    await buyClip(deps, body, noAbort);
    fake.failures = ['lose request'];
    await expect(buyClip(deps, { ...body, scene: 1 }, noAbort)).rejects.toThrow('no route');
    const unknown = { ...deps, outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } };
    await expect(cancelPurchases(unknown, generationId, noAbort)).rejects.toMatchObject({ retryable: true });
    const events = await cancelPurchases(deps, generationId, noAbort);
    expect(events.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ outcome: 'succeeded' }] },
    ]);
    expect(fake.canceled).toEqual([]);
    expect(await statuses()).toEqual(['finished', 'canceled']);
  });

  it('settles a prediction that the provider does not know, and returns the charges of the others', async () => {
    await buyClip(deps, body, noAbort);
    fake.failures = ['lose download'];
    await expect(buyClip(deps, { ...body, scene: 1 }, noAbort)).rejects.toThrow('reset');
    const provider: ClipProvider = {
      ...fake.provider,
      cancel: () => Promise.reject(new ClipmeshError('PROVIDER_BAD_INPUT', '404')),
    };
    const young = { ...deps, providers: soldBy(provider), outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } };
    await expect(cancelPurchases(young, generationId, noAbort)).rejects.toMatchObject({ retryable: true });
    expect(await statuses()).toEqual(['finished', 'submitted']);
    const events = await cancelPurchases({ ...deps, providers: soldBy(provider) }, generationId, noAbort);
    expect(events.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ outcome: 'succeeded' }] },
      { predictionId: 'p2', charges: [] },
    ]);
    expect(await statuses()).toEqual(['finished', 'canceled']);
  });

  it('throws a retryable error after a failure that is final for a purchase', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const provider: ClipProvider = {
      ...fake.provider,
      cancel: () => Promise.reject(new ClipmeshError('PROVIDER_AUTH', '401')),
    };
    const stopped = cancelPurchases({ ...deps, providers: soldBy(provider) }, generationId, noAbort);
    await expect(stopped).rejects.toMatchObject({ code: 'PROVIDER_AUTH', retryable: true });
  });

  it.each([
    ['while its reply was pending', ['p1']],
    ['before the provider listed it', []],
  ])('keeps a purchase canceled that was settled %s, and cancels its prediction', async (_name, listed) => {
    const { submit } = fake.provider;
    fake.starts = false;
    let events: Outgoing[] = [];
    const provider: ClipProvider = {
      ...fake.provider,
      find: ({ request }) => {
        const state = fake.predictions.find(({ id, key }) => listed.includes(id) && key === request.attemptKey);
        return Promise.resolve(state === undefined ? { kind: 'absent' } : { kind: 'found', state });
      },
      submit: async (request, signal, beforeSend) => {
        const state = await submit(request, signal, beforeSend);
        events = await cancelPurchases({ ...deps, providers: soldBy(provider) }, generationId, noAbort);
        return state;
      },
    };
    await expect(buyClip({ ...deps, providers: soldBy(provider) }, body, noAbort)).rejects.toMatchObject({
      code: 'CANCELED',
    });
    expect(events).toHaveLength(listed.length);
    expect(fake.canceled).toContain('p1');
    expect(await statuses()).toEqual(['canceled']);
  });
});
