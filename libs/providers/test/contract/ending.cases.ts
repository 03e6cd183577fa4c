import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { clipMicros, quoteClip } from '@clipmesh/billing';
import { tempFolder, until } from '@clipmesh/testing';
import { type ClipProvider, type ClipRequest, outcomeOf, type PredictionState } from '../../src/index.js';
import { type Bench, buy, codeOf, DEADLINE_MS, never, oldest, operationOf, waitFor } from './contract.bench.js';
import { type Run } from './contract.subject.js';

/** Cases of how predictions end, and of what they cost. */
export function endingCases({ subject, models, entry, open, request }: Bench): void {
  const { features } = subject;
  const isStarted = (shop: ClipProvider, purchase: ClipRequest, id: string) => async (): Promise<boolean> =>
    (await shop.get(operationOf({ id }, purchase), never)).status === 'processing';

  /** Compares the server's charge of the only run with what the ledger reads from the state. */
  async function expectCharge(state: PredictionState, status: Run['status'], ends: 'priced' | 'free'): Promise<void> {
    const runs = await subject.runs();
    expect(runs.map((run) => run.status)).toEqual([status]);
    const [{ amountMicros } = { amountMicros: undefined }] = runs;
    const quote = quoteClip(entry, { seconds: 4, aspectRatio: '9:16', hasImage: false, sound: true });
    if (quote === undefined) throw new Error(`${subject.model} makes no such clip`);
    if (features.charges === 'computing') {
      expect(state.gpuSeconds).toBeGreaterThan(0);
      const { gpuSeconds } = state;
      if (amountMicros !== undefined) expect(amountMicros).toBe(clipMicros(quote.sku, { seconds: 4, gpuSeconds }));
    } else {
      expect(amountMicros).toBe(ends === 'priced' ? quote.highMicros : 0);
      if (status === 'failed') expect(state.billedSeconds).toBe(ends === 'priced' ? 4 : undefined);
    }
  }

  if (features.queue === true)
    it('cancels a prediction in the queue, which never starts and costs nothing', async () => {
      const purchase = request(await subject.play('wait'));
      const { id, status } = await open().submit(purchase, never);
      expect(status).toBe('starting');
      // By another process, and again after a lost answer.
      for (const canceler of [open(), open()]) {
        const state = await canceler.cancel(operationOf({ id }, purchase));
        expect([state.status, state.startedAt]).toEqual(['canceled', undefined]);
      }
      expect(await subject.runs()).toEqual([{ status: 'aborted', amountMicros: 0 }]);
    });
  else
    it(`has no queue: ${features.queue.lacks}`, async () => {
      const purchase = request(await subject.play('run-on'));
      const shop = open();
      const begun = await shop.submit(purchase, never);
      expect([begun.status, begun.startedAt]).toEqual(['processing', expect.any(String)]);
      await shop.cancel(operationOf(begun, purchase));
    });

  it('cancels a running prediction, which is charged', async () => {
    const purchase = request(await subject.play('run-on'));
    const shop = open();
    const { id } = await shop.submit(purchase, never);
    await until(isStarted(shop, purchase, id), DEADLINE_MS, 'the start');
    const end = waitFor(shop, operationOf({ id }, purchase));
    // By another process, which learns that it ran.
    const canceled = await open().cancel(operationOf({ id }, purchase));
    expect([canceled.status, canceled.startedAt]).toEqual(['canceled', expect.any(String)]);
    const state = await end;
    expect([state.status, state.startedAt]).toEqual(['canceled', expect.any(String)]);
    expect(await shop.cancel(operationOf({ id }, purchase))).toMatchObject({ status: 'canceled' });
    await expectCharge(state, 'canceled', 'priced');
  });

  it('returns the result when a cancel comes too late', async () => {
    const purchase = request(await subject.play('succeed'));
    const shop = open();
    const state = await buy(shop, purchase);
    expect(await shop.cancel(operationOf(state, purchase))).toMatchObject({
      status: 'succeeded',
      outputUrl: state.outputUrl,
    });
    await expectCharge(state, 'succeeded', 'priced');
  });

  it('fails a download of an output that has expired, and says what is left of the prediction', async () => {
    const purchase = request(await subject.play('expire'));
    const since = new Date();
    const shop = open();
    const state = await buy(shop, purchase);
    const url = state.outputUrl ?? '';
    if (typeof features.expiry === 'object') {
      expect([features.expiry.lacks, url.slice(0, 15)]).toEqual([expect.any(String), 'data:video/mp4;']);
      return;
    }
    await subject.expire?.();
    const folder = await tempFolder('expired');
    const file = join(folder.path, 'clip.mp4');
    await expect(shop.download(url, file, never)).rejects.toMatchObject({ code: 'DOWNLOAD_EXPIRED' });
    expect(existsSync(file)).toBe(false);
    await folder.remove();
    const left = await shop.get(operationOf(state, purchase), never);
    expect([left.status, left.outputUrl]).toEqual(['succeeded', features.expiry === 'same' ? url : undefined]);
    const finding = await open().find({ request: purchase, since, adopt: oldest }, never);
    expect(finding.kind).toBe(features.lostPurchase);
    await expectCharge(state, 'succeeded', 'priced');
  });

  it.each([
    ['a refused input', 'refuse-input', 'input-refused', 'PREDICTION_REFUSED', 'free'],
    ['a refused output', 'refuse-output', 'output-refused', 'OUTPUT_REFUSED', 'priced'],
    ['a failed service', 'break', 'service', 'PREDICTION_FAILED', 'free'],
  ] as const)('%s is a failure with its own code and charge', async (_name, play, failureKind, code, ends) => {
    const state = await buy(open(), request(await subject.play(play)));
    expect(state).toMatchObject({ status: 'failed', failureKind });
    expect(outcomeOf(state)).toMatchObject({ code, retryable: play === 'break' });
    await expectCharge(state, 'failed', ends);
  });

  it('refuses an input that the model does not take, without a charge', async () => {
    const prompt = await subject.play('succeed');
    expect(await codeOf(open(), request(prompt, features.badRequest))).toBe('PROVIDER_BAD_INPUT');
    expect((await subject.runs()).filter(({ amountMicros }) => amountMicros !== 0)).toEqual([]);
  });

  it('buys nothing from a model that it does not know, or that the provider does not have', async () => {
    const prompt = await subject.play('succeed');
    const [id, gone] = ['acme/none', 'acme/gone'];
    expect(await codeOf(open(), request(prompt, { model: id }))).toBe('PROVIDER_BAD_INPUT');
    const shop = open({ models: new Map([...models, [gone, { ...entry, id: gone, target: gone }]]) });
    expect(await codeOf(shop, request(prompt, { model: gone }))).toBe('PROVIDER_BAD_INPUT');
    expect(await subject.runs()).toEqual([]);
  });

  it('says of a stale id that there is no such prediction', async () => {
    const purchase = request(await subject.play('succeed'));
    const stale = operationOf({ id: 'nothing' }, purchase);
    for (const call of [open().get(stale, never), waitFor(open(), stale), open().cancel(stale)])
      await expect(call).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
    expect(await subject.runs()).toEqual([]);
  });
}
