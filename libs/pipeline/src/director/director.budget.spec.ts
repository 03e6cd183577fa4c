import { describe, expect, it } from '@jest/globals';
import {
  ClipFailed,
  type ClipGenerateBody,
  ClipGenerated,
  type FailureCode,
  type GenerationState,
  type Job,
  RetryRequested,
} from '@clipmesh/contracts';
import fc from 'fast-check';
import { committedBy } from './director.budget.js';
import { type DirectorEvent } from './director.event.js';
import { initialState } from './director.js';
import { estimate } from '@clipmesh/billing';
import { SAMPLE_MODELS } from '@clipmesh/testing';
import {
  at,
  chargeOf,
  clipsIn as clips,
  failureOf,
  fileOf,
  FIRST,
  generationId,
  jobOf,
  NEXT_STEP,
  planWritten,
  SECOND,
  decide,
  clipPrice,
} from '../../test/director.samples.js';
import { progressOf } from './progress.js';

const job = (maxCostMicros: number, models: string[] = [FIRST, SECOND]): Job =>
  jobOf({
    ...{ durationSeconds: 16, aspectRatio: '16:9', sceneCount: 4, seed: 7, models, window: 3, fallbackAfter: 9 },
    maxCostMicros,
  });
const planned = (of: Job) => decide(initialState(of), planWritten(of));

let chargeCount = 0;
function answer(command: ClipGenerateBody, code: FailureCode | undefined, charged: boolean): DirectorEvent {
  const { scene, attempt, model, durationSeconds } = command;
  const charge = chargeOf({
    key: `prediction:${(chargeCount += 1)}`,
    ...{ model, quantity: durationSeconds, amountMicros: clipPrice(model, durationSeconds) ?? 0, scene },
  });
  const body = { generationId, at, charges: charged ? [charge] : [], scene, attempt, model };
  const id = `${scene}.${attempt}`;
  if (code === undefined) {
    return { id, name: ClipGenerated.name, body: { ...body, predictionId: id, cached: false, clip: fileOf('a') } };
  }
  const failure = failureOf(code, { scene, charged });
  return { id, name: ClipFailed.name, body: { ...body, failure } };
}

/** Has no effect on a generation that has not failed. */
const retryOf = ({ run }: GenerationState): DirectorEvent => ({
  id: `retry.${run + 1}`,
  name: RetryRequested.name,
  body: { generationId, at, charges: [], run: run + 1 },
});

describe('a generation with a cap', () => {
  it('never costs more, for any order of failures, charges and unknown outcomes', () => {
    const fate = fc.record({
      pick: fc.nat(20),
      code: fc.constantFrom(undefined, 'PREDICTION_FAILED', 'PROVIDER_TIMEOUT', 'PROVIDER_UNAVAILABLE'),
      charged: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.nat(4_000_000), fc.array(fate, { minLength: 40, maxLength: 40 }), (cap, fates) => {
        let { state, outgoing } = planned(job(cap));
        const open = clips(outgoing);
        const check = (of: GenerationState): void => {
          expect(of.costMicros).toBeLessThanOrEqual(cap);
          expect(committedBy(of)).toBeLessThanOrEqual(cap);
        };
        check(state);
        for (const { pick, code, charged } of fates) {
          const [command] = open.splice(pick % Math.max(1, open.length), 1);
          const event = command === undefined ? retryOf(state) : answer(command, code, charged || code === undefined);
          ({ state, outgoing } = decide(state, event));
          open.push(...clips(outgoing));
          check(state);
        }
        expect(open.length > 0 || !state.scenes.some(({ status }) => status === 'waiting')).toBe(true);
      }),
    );
  });

  it('takes the next model that fits, keeps the other clips, and reports why a scene failed', () => {
    const [veo, seedance] = [480_000, 160_000];
    const { state, outgoing } = planned(job(2 * veo + seedance));
    expect(clips(outgoing).map(({ model, allowanceMicros }) => [model, allowanceMicros])).toEqual([
      ['google/veo-3.1', veo],
      ['google/veo-3.1', veo],
      ['bytedance/seedance-1-lite', seedance],
    ]);
    const ended = clips(outgoing).reduce((now, command) => decide(now, answer(command, undefined, true)).state, state);
    expect(ended.scenes.map(({ status }) => status)).toEqual([
      NEXT_STEP.status,
      NEXT_STEP.status,
      NEXT_STEP.status,
      'failed',
    ]);
    expect(ended.scenes[3]?.failure).toMatchObject({ code: 'BUDGET_EXCEEDED', scene: 3, retryable: false });
  });

  it('does not lose progress when a scene waits for its next model', () => {
    const { state, outgoing } = planned({ ...job(4_000_000), fallbackAfter: 1 });
    const [first] = clips(outgoing);
    const narrowed = decide(state, answer(first!, 'PREDICTION_FAILED', false)).state;
    expect([narrowed.window, narrowed.scenes[0]?.status]).toEqual([1, 'waiting']);
    expect(progressOf(narrowed)).toBeGreaterThanOrEqual(progressOf(state));
  });

  it('keeps no reservation when the failure leaves no unknown outcome', () => {
    const { state, outgoing } = planned(job(480_000, ['google/veo-3.1', 'google/veo-3']));
    const [first] = clips(outgoing);
    expect(clips(outgoing)).toHaveLength(1);
    const next = decide(state, answer(first!, 'PREDICTION_FAILED', false));
    expect(clips(next.outgoing).map(({ model }) => model)).toEqual(['google/veo-3']);
    const unresolved = decide(state, answer(first!, 'PROVIDER_UNAVAILABLE', false));
    expect(clips(unresolved.outgoing)).toEqual([]);
    expect(unresolved.state.status).toBe('failed');
  });
});

describe('a retry of a generation with a cap', () => {
  it('reuses the reservation of each scene with an unknown outcome, which is settled before it buys', () => {
    const of = job(4 * 640_000);
    let { state, outgoing } = planned(of);
    const open = clips(outgoing);
    for (let command = open.shift(); command !== undefined; command = open.shift()) {
      ({ state, outgoing } = decide(state, answer(command, 'PROVIDER_UNAVAILABLE', false)));
      open.push(...clips(outgoing));
    }
    expect([state.status, state.costMicros, committedBy(state)]).toEqual(['failed', 0, 4 * 640_000]);
    const next = decide(state, retryOf(state));
    expect(clips(next.outgoing).map(({ scene, model, allowanceMicros }) => [scene, model, allowanceMicros])).toEqual(
      [0, 1, 2].map((scene) => [scene, 'google/veo-3.1', 640_000]),
    );
    expect(committedBy(next.state)).toBe(4 * 640_000);
  });
});

describe('an estimate', () => {
  const terms = { model: 'gpt-4o-mini', tries: 3 };

  it('ranges from the first model alone to every model once', () => {
    const { scenes, llm, lowMicros, highMicros } = estimate(job(0), terms, SAMPLE_MODELS);
    // From 3 s, billed as 4 s, to 7 s, which veo bills as 8 s.
    expect(scenes).toEqual(Array.from({ length: 4 }, () => ({ lowMicros: 480_000, highMicros: 960_000 + 280_000 })));
    // At least 4 × 4 s; at most 20 s billed by veo and 16 s by seedance.
    expect([lowMicros - llm.lowMicros, highMicros - llm.highMicros]).toEqual([1_920_000, 2_400_000 + 640_000]);
    expect(llm.lowMicros).toBeGreaterThan(0);
    expect(llm.highMicros).toBeGreaterThan(3 * llm.lowMicros);
  });

  it('covers every possible plan and every model of its clips', () => {
    const lengths = fc.array(fc.integer({ min: 3, max: 7 }), { minLength: 3, maxLength: 12 });
    const models = fc.shuffledSubarray([...SAMPLE_MODELS.keys()], { minLength: 1 });
    fc.assert(
      fc.property(lengths, models, fc.nat(), (seconds, order, seed) => {
        const durationSeconds = seconds.reduce((sum, length) => sum + length, 0);
        fc.pre(durationSeconds <= 60);
        const { scenes, llm, lowMicros, highMicros } = estimate(
          { ...job(0, order), durationSeconds, sceneCount: seconds.length },
          terms,
          SAMPLE_MODELS,
        );
        const first = seconds.map((length) => clipPrice(order[0] ?? '', length) ?? 0);
        const any = seconds.map((length, n) => clipPrice(order[(seed + n) % order.length] ?? '', length) ?? 0);
        const total = (prices: readonly number[]): number => prices.reduce((sum, price) => sum + price, 0);
        expect(scenes).toHaveLength(seconds.length);
        expect(total(first)).toBeGreaterThanOrEqual(lowMicros - llm.lowMicros);
        for (const prices of [first, any]) {
          expect(total(prices)).toBeLessThanOrEqual(highMicros - llm.highMicros);
          prices.forEach((price, n) => {
            expect(price).toBeLessThanOrEqual(scenes[n]?.highMicros ?? 0);
          });
        }
        first.forEach((price, n) => {
          expect(price).toBeGreaterThanOrEqual(scenes[n]?.lowMicros ?? Infinity);
        });
      }),
    );
  });
});
