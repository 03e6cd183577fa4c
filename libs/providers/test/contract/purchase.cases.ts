import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { tempFolder, until } from '@clipmesh/testing';
import { type ClipProvider, type ClipRequest, type PurchaseFinding } from '../../src/index.js';
import { sharedMemory } from '../shared.memory.js';
import { type Bench, buy, DEADLINE_MS, never, oldest, operationOf, waitFor } from './contract.bench.js';
import { RETRY_AFTER_MS, type Run } from './contract.subject.js';

/** Cases of what is bought, and of purchases whose answer never comes. */
export function purchaseCases({ subject, open, wire, request }: Bench): void {
  const { features } = subject;
  const statuses = async (): Promise<Run['status'][]> => (await subject.runs()).map(({ status }) => status);
  const find = (provider: ClipProvider, purchase: ClipRequest, since: Date): Promise<PurchaseFinding> =>
    provider.find({ request: purchase, since, adopt: oldest }, never);

  it('makes a clip, with the times of its run, and another process can or cannot read it', async () => {
    const purchase = request(await subject.play('succeed'));
    const shop = open();
    const state = await buy(shop, purchase);
    expect(state).toMatchObject({ status: 'succeeded', outputUrl: expect.any(String) });
    const [startedMs, completedMs] = [state.startedAt, state.completedAt].map((time) => Date.parse(time ?? ''));
    expect(startedMs).toBeLessThanOrEqual(completedMs ?? Number.NaN);
    const folder = await tempFolder('contract');
    const file = join(folder.path, 'clip.mp4');
    const { bytes } = await shop.download(state.outputUrl ?? '', file, never);
    const clip = await readFile(file);
    await folder.remove();
    expect([clip.length, clip.subarray(4, 8).toString()]).toEqual([bytes, 'ftyp']);
    expect(await statuses()).toEqual(['succeeded']);
    const other = open().get(operationOf(state, purchase), never);
    if (features.memory === true) expect(await other).toMatchObject({ status: 'succeeded' });
    else await expect(other).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
  });

  it('sends a create when its intent is written, and none when that fails', async () => {
    const prompt = await subject.play('succeed');
    const proxy = await wire();
    const shop = open({ origin: proxy.origin });
    const noStore = (): Promise<void> => Promise.reject(new Error('the store is away'));
    await expect(shop.submit(request(prompt), never, noStore)).rejects.toThrow('the store is away');
    expect(proxy.creates()).toBe(0);
    const purchase = request(prompt);
    let creates: number | undefined;
    const intent = async (): Promise<void> => {
      // A call that does not await the intent has time to arrive.
      await new Promise((resolve) => setTimeout(resolve, 50));
      creates = proxy.creates();
    };
    const { id } = await shop.submit(purchase, never, intent);
    await waitFor(shop, operationOf({ id }, purchase));
    expect([creates, proxy.creates()]).toEqual([0, 1]);
    expect(await statuses()).toEqual(['succeeded']);
  });

  it(`a purchase whose answer is lost is charged, not repeated, and ${features.lostPurchase}`, async () => {
    const purchase = request(await subject.play('succeed'));
    const since = new Date();
    const proxy = await wire('are-lost');
    const bought = buy(open({ origin: proxy.origin }), purchase);
    if (features.lostAnswer === 'throws')
      await expect(bought).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
    else expect(await bought).toMatchObject({ status: 'failed', failureKind: 'service' });
    await until(async () => (await statuses())[0] === 'succeeded', DEADLINE_MS, 'the end of the run');
    expect(proxy.creates()).toBe(1);
    const heir = open();
    const finding = await find(heir, purchase, since);
    expect(finding.kind).toBe(features.lostPurchase);
    if (finding.kind === 'found') {
      expect(await waitFor(heir, operationOf(finding.state, purchase))).toMatchObject({ status: 'succeeded' });
      // A purchase of another key with the same input is another purchase.
      const rival = { request: request(purchase.prompt), since, adopt: () => Promise.resolve(undefined) };
      expect(await heir.find(rival, never)).toEqual({ kind: 'absent' });
    }
    expect(await statuses()).toEqual(['succeeded']);
    expect((await subject.runs())[0]?.amountMicros).not.toBe(0);
  });

  it('guarantees what a search for a lost purchase can say', () => {
    const { guarantee } = open();
    expect(guarantee).toBe(subject.guarantee);
    expect(guarantee).toBe(features.lostPurchase === 'found' ? 'never_twice' : 'at_most_once_more');
  });

  it(`a prediction whose buyer dies between intent and id ${features.buyerDies}`, async () => {
    const purchase = request(await subject.play('run-on'));
    const since = new Date();
    const proxy = await wire('never-arrive');
    const events: string[] = [];
    const buyer = open({ origin: proxy.origin });
    // Nobody reads its answer.
    void buyer
      .submit(purchase, never, () => Promise.resolve(void events.push(`intent before ${proxy.creates()} creates`)))
      .catch(() => undefined);
    await until(async () => (await statuses())[0] === 'processing', DEADLINE_MS, 'the run');
    expect(events).toEqual(['intent before 0 creates']);
    await proxy.cut();
    const heir = open();
    if (features.buyerDies === 'is-canceled')
      await until(async () => (await statuses())[0] === 'canceled', DEADLINE_MS, 'the cancel');
    const finding = await find(heir, purchase, since);
    expect(finding.kind).toBe(features.lostPurchase);
    if (finding.kind === 'found') {
      expect(finding.state.status).toBe('processing');
      await heir.cancel(operationOf(finding.state, purchase));
    }
    const isLeft = finding.kind !== 'found' && features.buyerDies === 'runs-on';
    expect(await statuses()).toEqual([isLeft ? 'processing' : 'canceled']);
    expect(proxy.creates()).toBe(1);
  });

  if (features.rateLimit === true)
    it('a rate limit has its time, costs one create, and stops the other processes', async () => {
      const prompt = await subject.play('limit');
      const proxy = await wire();
      const shared = sharedMemory();
      const [one, two] = [open({ origin: proxy.origin, shared }), open({ origin: proxy.origin, shared })];
      const purchase = request(prompt);
      const { id } = await one.submit(purchase, never);
      await expect(one.submit(request(prompt), never)).rejects.toMatchObject({
        code: 'PROVIDER_RATE_LIMITED',
        retryAfterMs: RETRY_AFTER_MS,
      });
      expect([proxy.creates(), (await statuses()).length]).toEqual([2, 1]);
      const calls = proxy.calls();
      // Both wait for the end of the pause, and their callers give up before.
      for (const paused of [one, two])
        await expect(paused.get(operationOf({ id }, purchase), AbortSignal.timeout(300))).rejects.toMatchObject({
          code: 'CANCELED',
        });
      expect(proxy.calls()).toBe(calls);
    });
  else
    it(`has no rate limit: ${features.rateLimit.lacks}`, async () => {
      const purchase = request(await subject.play('run-on'));
      const proxy = await wire();
      const shop = open({ origin: proxy.origin });
      const { id } = await shop.submit(purchase, never);
      let intents = 0;
      const intent = (): Promise<void> => Promise.resolve(void (intents += 1));
      await expect(open().submit(request('another'), never, intent)).rejects.toMatchObject({
        code: 'PROVIDER_RATE_LIMITED',
        retryAfterMs: expect.any(Number),
      });
      expect([intents, proxy.creates(), (await statuses()).length]).toEqual([0, 1, 1]);
      await shop.cancel(operationOf({ id }, purchase));
    });
}
