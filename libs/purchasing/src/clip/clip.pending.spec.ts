import { beforeEach, describe, expect, it } from '@jest/globals';
import { Postponed, settle } from '@clipmesh/messaging';
import { body, depsOf, FakeProvider, generationId, noAbort, soldBy, statusesOf } from '../../test/fake.provider.js';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipDeps } from './clip.deps.js';
import { buyClip } from './clip.purchase.js';

const POLICY = { maxTries: 3, firstDelayMs: 0, maxDelayMs: 0 };
const LAST_TRY = { tries: 3, failures: 2, ageMs: 0 };
let fake: FakeProvider;
let deps: ClipDeps;
beforeEach(async () => {
  fake = new FakeProvider();
  deps = { ...depsOf(fake), providers: soldBy({ ...fake.provider, name: 'acme', guarantee: 'at_most_once_more' }) };
  fake.failures = ['lose reply'];
  await expect(buyClip(deps, body, noAbort)).rejects.toThrow('reset');
  fake.reportsAfterMs = 5000;
});

/** The error with which a delivery of the command ends. */
async function postponed(work: Promise<unknown>): Promise<Postponed> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Postponed)) throw new Error(`expected a postponement, not ${String(error)}`);
  return error;
}

describe('a purchase that its provider has not reported yet', () => {
  it('postpones the command without a try, and buys nothing in between', async () => {
    for (let times = 0; times < 5; times += 1) {
      const error = await postponed(buyClip(deps, body, noAbort));
      expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true, delayMs: 5000 });
      expect(settle({ kind: 'postponed', error }, LAST_TRY, POLICY, 0)).toEqual({
        kind: 'nak',
        delayMs: 5000,
        retry: 'postponed',
      });
    }
    expect(fake.predictions).toHaveLength(1);
    expect(await statusesOf(deps)).toEqual(['unanswered']);
  });

  it('gives the clip once it is reported, and is charged once', async () => {
    await postponed(buyClip(deps, body, noAbort));
    fake.reportsAfterMs = undefined;
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({ predictionId: 'p1', charges: [{ key: 'prediction:acme:p1' }] });
    expect(fake.predictions).toHaveLength(1);
  });

  it('is charged as assumed and bought once more when the report never arrives', async () => {
    await postponed(buyClip(deps, body, noAbort));
    fake.reportsAfterMs = undefined;
    fake.forgetful = true;
    const [event] = await buyClip(deps, body, noAbort);
    expect(event?.body).toMatchObject({
      predictionId: 'p2',
      charges: [{ assumed: true }, { key: 'prediction:acme:p2' }],
    });
    expect(await statusesOf(deps)).toEqual(['failed', 'finished']);
  });

  it('is not bought by another model or a later step in between', async () => {
    await postponed(buyClip(deps, { ...body, attempt: 2, model: 'google/veo-3' }, noAbort));
    expect(fake.predictions).toHaveLength(1);
  });

  it('makes the canceler wait for the report, and then cancels the prediction', async () => {
    expect(await postponed(cancelPurchases(deps, generationId, noAbort))).toMatchObject({ delayMs: 5000 });
    expect(await statusesOf(deps)).toEqual(['unanswered']);
    fake.reportsAfterMs = undefined;
    await cancelPurchases(deps, generationId, noAbort);
    expect(fake.canceled).toEqual(['p1']);
    expect(await statusesOf(deps)).toEqual(['canceled']);
  });

  it('is not asked for while its call may be in progress', async () => {
    const patient = { ...deps, outcomeTimeouts: { callTimeoutMs: 0, settleMs: 60_000 } };
    const abort = new AbortController();
    const waiting = buyClip(patient, body, abort.signal);
    abort.abort();
    await expect(waiting).rejects.not.toBeInstanceOf(Postponed);
  });
});
