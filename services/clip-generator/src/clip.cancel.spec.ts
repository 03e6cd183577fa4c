import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, ClipmeshError, type Outgoing } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { body, calm, generationId, partsOf, Shop, statusesOf } from '../test/clip.shop.js';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipParts } from './clip.parts.js';
import { buyClip } from './clip.purchase.js';

let shop: Shop;
let parts: ClipParts;
beforeEach(() => {
  shop = new Shop();
  parts = partsOf(shop);
});
const statuses = (): Promise<string[]> => statusesOf(parts);

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
    await parts.markCanceled(generationId);
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
    const charge: Charge = {
      ...{ key: 'completion:c1', kind: 'llm', stage: 'llm', provider: 'openai', model: 'gpt' },
      ...{ quantity: 20, unit: 'token', amountMicros: 100, outcome: 'succeeded' },
    };
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
    shop.starts = false;
    let told: Outgoing[] = [];
    const provider: ClipParts['provider'] = {
      ...shop.provider,
      find: ({ request }) =>
        Promise.resolve(shop.predictions.find(({ id, key }) => shown.includes(id) && key === request.attemptKey)),
      submit: async (request, signal, beforeSend) => {
        const state = await submit(request, signal, beforeSend);
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
