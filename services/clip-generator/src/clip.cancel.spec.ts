import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, ClipmeshError, type Outgoing } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { body, noAbort, generationId, depsOf, FakeProvider, statusesOf } from '../test/clip.shop.js';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipDeps } from './clip.parts.js';
import { buyClip } from './clip.purchase.js';

let fake: FakeProvider;
let deps: ClipDeps;
beforeEach(() => {
  fake = new FakeProvider();
  deps = depsOf(fake);
});
const statuses = (): Promise<string[]> => statusesOf(deps);

describe('canceling', () => {
  it('stops what was bought, found again or not, tells its cost, and says the same when asked again', async () => {
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

  it('is seen by a purchase that begins while the canceler looks', async () => {
    await deps.markCanceled(generationId);
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(fake.predictions).toHaveLength(0);
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
    const entry = await deps.purchases.create({ ...intent, createdAt: at, updatedAt: at });
    const slow = { ...deps, clock, doubt: { callTimeoutMs: 1000, settleMs: 0 } };
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
    expect(await cancelPurchases(deps, generationId, noAbort).catch(() => 'in doubt')).toBe('in doubt');
    expect(await cancelPurchases({ ...deps, clock }, generationId, noAbort)).toEqual([]);
    expect(await statuses()).toEqual(['canceled']);
  });

  it('keeps what is still queued from being bought, although whoever asked has set no flag', async () => {
    await cancelPurchases(deps, generationId, noAbort);
    await expect(buyClip(deps, body, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(fake.predictions).toHaveLength(0);
  });

  it('comes back while a call may be under way, and leaves finished clips alone', async () => {
    await buyClip(deps, body, noAbort);
    fake.failures = ['lose request'];
    await expect(buyClip(deps, { ...body, scene: 1 }, noAbort)).rejects.toThrow('no route');
    const doubtful = { ...deps, doubt: { callTimeoutMs: 0, settleMs: 60_000 } };
    await expect(cancelPurchases(doubtful, generationId, noAbort)).rejects.toMatchObject({ retryable: true });
    const events = await cancelPurchases(deps, generationId, noAbort);
    expect(events.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ outcome: 'succeeded' }] },
    ]);
    expect(fake.canceled).toEqual([]);
    expect(await statuses()).toEqual(['finished', 'canceled']);
  });

  it('settles a prediction that the provider does not know, and tells of the others at once', async () => {
    await buyClip(deps, body, noAbort);
    fake.failures = ['lose download'];
    await expect(buyClip(deps, { ...body, scene: 1 }, noAbort)).rejects.toThrow('reset');
    const provider: ClipDeps['provider'] = {
      ...fake.provider,
      cancel: () => Promise.reject(new ClipmeshError('PROVIDER_BAD_INPUT', '404')),
    };
    const young = { ...deps, provider, doubt: { callTimeoutMs: 0, settleMs: 60_000 } };
    await expect(cancelPurchases(young, generationId, noAbort)).rejects.toMatchObject({ retryable: true });
    expect(await statuses()).toEqual(['finished', 'submitted']);
    const events = await cancelPurchases({ ...deps, provider }, generationId, noAbort);
    expect(events.map(({ body: event }) => event)).toMatchObject([
      { predictionId: 'p1', charges: [{ outcome: 'succeeded' }] },
      { predictionId: 'p2', charges: [] },
    ]);
    expect(await statuses()).toEqual(['finished', 'canceled']);
  });

  it('comes back after a refusal that would be final for a purchase', async () => {
    fake.failures = ['lose reply'];
    await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
    const provider: ClipDeps['provider'] = {
      ...fake.provider,
      cancel: () => Promise.reject(new ClipmeshError('PROVIDER_AUTH', '401')),
    };
    const stopped = cancelPurchases({ ...deps, provider }, generationId, noAbort);
    await expect(stopped).rejects.toMatchObject({ code: 'PROVIDER_AUTH', retryable: true });
  });

  it.each([
    ['while its reply is on the way', ['p1']],
    ['too early, when it did not show yet', []],
  ])('stays settled for a purchase that was looked for %s, and stops it', async (_name, shown) => {
    const { submit } = fake.provider;
    fake.starts = false;
    let events: Outgoing[] = [];
    const provider: ClipDeps['provider'] = {
      ...fake.provider,
      find: ({ request }) =>
        Promise.resolve(fake.predictions.find(({ id, key }) => shown.includes(id) && key === request.attemptKey)),
      submit: async (request, signal, beforeSend) => {
        const state = await submit(request, signal, beforeSend);
        events = await cancelPurchases({ ...deps, provider }, generationId, noAbort);
        return state;
      },
    };
    await expect(buyClip({ ...deps, provider }, body, noAbort)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(events).toHaveLength(shown.length);
    expect(fake.canceled).toContain('p1');
    expect(await statuses()).toEqual(['canceled']);
  });
});
