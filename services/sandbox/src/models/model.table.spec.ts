import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  clipMicros as ledgerMicros,
  type ClipNeeds,
  estimate,
  type PricedJob,
  quoteClip,
  refusalOf,
} from '@clipmesh/billing';
import { ASPECT_RATIOS, DURATION_SECONDS, SCENE_COUNT, SCENE_SECONDS } from '@clipmesh/contracts';
import { type ClipRequest, driftOf, loadModels, type ModelEntry, modelInput, targetOf } from '@clipmesh/providers';
import fc from 'fast-check';
import { openapiSchema } from '../replicate/replicate.view.js';
import { inputProblem, unknownField } from './input.check.js';
import { clipMicros, isPerGpuSecond, type ModelRecord, secondsOf } from './model.record.js';
import { readRecords } from './model.store.js';

const IMAGE_URL = 'https://example.test/first.png';
const MAX_SEED = 2 ** 31 - 1;

/** The models whose price does not depend on the run. */
let entries: ModelEntry[];
let all: ModelEntry[];
let records: Map<string, ModelRecord>;
const recordOf = (entry: ModelEntry, hasImage: boolean): ModelRecord => {
  const id = targetOf(entry, hasImage);
  const record = records.get(id);
  if (record === undefined) throw new Error(`${id} is not recorded`);
  return record;
};

beforeAll(async () => {
  records = new Map((await readRecords()).map((record) => [record.id, record]));
  all = [...(await loadModels()).values()];
  entries = all.filter((entry) => !isPerGpuSecond(recordOf(entry, false)));
});

/** Compares the quote of one scene with what the provider charges for the input that is sent. Returns the charge, micro-dollars. */
function compare(entry: ModelEntry, needs: ClipNeeds): number | undefined {
  const quote = quoteClip(entry, needs);
  expect(quote === undefined).toBe(refusalOf(entry, needs) !== undefined);
  if (quote === undefined) return undefined;
  const request: ClipRequest = {
    model: entry.id,
    prompt: 'a cup',
    durationSeconds: quote.seconds,
    aspectRatio: needs.aspectRatio,
    seed: MAX_SEED,
    clipSound: needs.sound,
    attemptKey: 'clip.1',
  };
  const record = recordOf(entry, needs.hasImage);
  const input = modelInput(entry, request, needs.hasImage ? IMAGE_URL : undefined);
  expect({ id: entry.id, problem: inputProblem(record, input), unknown: unknownField(record, input) }).toEqual({
    id: entry.id,
    problem: undefined,
    unknown: undefined,
  });
  const seconds = secondsOf(record, input);
  const micros = clipMicros(record, input, seconds);
  expect({ id: entry.id, input, seconds, micros }).toEqual({ id: entry.id, input, seconds: quote.seconds, micros });
  expect({ id: entry.id, input, micros: ledgerMicros(quote.sku, { seconds }) }).toEqual({
    id: entry.id,
    input,
    micros,
  });
  expect({ id: entry.id, input, isBelow: micros < quote.lowMicros, isAbove: micros > quote.highMicros }).toEqual({
    id: entry.id,
    input,
    isBelow: false,
    isAbove: false,
  });
  return micros;
}

describe('the shipped models, against the recorded ones', () => {
  it('have no drift', () => {
    const drift = all.flatMap((entry) =>
      ([false, true] as const).flatMap((hasImage) => {
        const { components } = openapiSchema(recordOf(entry, hasImage), undefined) as {
          components: { schemas: Parameters<typeof driftOf>[1] };
        };
        const form = entry.imageTarget === undefined ? 'both' : hasImage ? 'with-image' : 'without-image';
        return driftOf(entry, components.schemas, form).map((sentence) => `${entry.id}: ${sentence}`);
      }),
    );
    expect(drift).toEqual([]);
  });

  it('are quoted at the price of the provider for each length, ratio, sound and image', () => {
    const lengths = Array.from({ length: SCENE_SECONDS.max }, (_, more) => 1 + more);
    let quoted = 0;
    for (const entry of entries)
      for (const seconds of lengths)
        for (const aspectRatio of ASPECT_RATIOS)
          for (const hasImage of [false, true])
            for (const sound of [false, true])
              if (compare(entry, { seconds, aspectRatio, hasImage, sound }) !== undefined) quoted += 1;
    expect(quoted).toBeGreaterThan(entries.length);
  });

  it('cost neither less than the low nor more than the high estimate of 200 random requests', () => {
    const { min, max } = SCENE_SECONDS;
    const request = fc.record({
      models: fc.uniqueArray(fc.nat(entries.length - 1), { minLength: 1, maxLength: 4 }),
      scenes: fc
        .array(fc.integer({ min, max }), { minLength: 1, maxLength: SCENE_COUNT.max })
        .filter((seconds) => sum(seconds) >= DURATION_SECONDS.min && sum(seconds) <= DURATION_SECONDS.max),
      aspectRatio: fc.constantFrom(...ASPECT_RATIOS),
      hasImage: fc.boolean(),
      sound: fc.boolean(),
    });
    const known = new Map<string, number | undefined>();
    const chargeOf = (entry: ModelEntry, needs: ClipNeeds): number | undefined => {
      const key = JSON.stringify([entry.id, needs]);
      if (!known.has(key)) known.set(key, compare(entry, needs));
      return known.get(key);
    };
    const table = new Map(entries.map((entry) => [entry.id, entry]));
    fc.assert(
      fc.property(request, ({ models, scenes, ...needs }) => {
        const chosen = models.map((at) => entries[at]!);
        const job: PricedJob = {
          prompt: 'a cup',
          durationSeconds: sum(scenes),
          sceneCount: scenes.length,
          aspectRatio: needs.aspectRatio,
          seed: MAX_SEED,
          overlays: true,
          models: chosen.map(({ id }) => id),
          window: 1,
          fallbackAfter: 1,
          clipSound: needs.sound,
          ...(needs.hasImage ? { referenceImage: {} } : {}),
        };
        const { llm, lowMicros, highMicros } = estimate(job, { model: 'unknown', tries: 1 }, table);
        /** What the provider charges for each scene, by each model that can make it. */
        const charged = scenes.map((seconds) =>
          chosen.flatMap((entry) => chargeOf(entry, { ...needs, seconds }) ?? []),
        );
        expect(sum(charged.map(([first = 0]) => first))).toBeGreaterThanOrEqual(lowMicros - llm.lowMicros);
        expect(sum(charged.flat())).toBeLessThanOrEqual(highMicros - llm.highMicros);
      }),
      { numRuns: 200 },
    );
  });
});

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
