import { describe, expect, it } from '@jest/globals';
import { type Job, type PlanDraft, planDraftSchema, planSchema } from '@clipmesh/contracts';
import fc from 'fast-check';
import { readJsonAt } from './json.reader.js';
import { repairPlan } from './plan.repair.js';
import { planFromDraft } from './plan.writer.js';

const job: Job = {
  prompt: 'A kettle that sings. It is made of steel.',
  durationSeconds: 12,
  aspectRatio: '9:16',
  seed: 1,
  overlays: true,
  models: ['google/veo-3.1'],
  window: 4,
  fallbackAfter: 3,
};
const style = { style: 's', palette: 'p', lighting: 'l', composition: 'c', mood: 'm', subject: 'a steel kettle' };
const draftOf = (count: number): PlanDraft => ({
  title: 'Tea',
  style,
  scenes: Array.from({ length: count }, (_, n) => ({
    ...{ role: 'problem', description: `Kettle, view ${n + 1}`, durationSeconds: 4, overlayText: 'Text' },
  })),
});
const pretty = JSON.stringify(draftOf(3), undefined, 2);
const THUMB = '👍🏽';

describe('repairPlan', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      '<think>',
      '</think>',
      '```json',
      '“',
      "'",
      '//',
      '/*',
      '\ud83d',
      THUMB,
    ),
    fc.constantFrom('"scenes":', '"description":"x"', '[{"description":"y"}]', 'null', '1e999', '0:04', pretty),
  );
  const valid = (draft: PlanDraft): void => {
    expect(planDraftSchema.safeParse(draft).error).toBeUndefined();
    const plan = planFromDraft(job, draft);
    if (plan === undefined) return;
    expect(planSchema.safeParse(plan).error).toBeUndefined();
    expect(JSON.stringify(plan)).not.toMatch(/\p{Cs}|\\ud[89a-f]/u);
    expect(plan.scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)).toBe(job.durationSeconds);
  };

  it('never throws, and returns a valid draft or none for any text', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (parts) => {
        const result = repairPlan(parts.join(''));
        if (result.kind === 'draft') valid(result.draft);
      }),
      { numRuns: 500 },
    );
  });

  it('returns a valid draft for any values in the right places', () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 600 }), fc.double(), fc.jsonValue({ maxDepth: 3 }));
    const entry = fc.record(
      { description: value, durationSeconds: value, overlayText: value, role: value },
      { requiredKeys: [] },
    );
    const answer = fc.record({
      title: value,
      style: fc.oneof(value, fc.record({ mood: value, subject: value })),
      scenes: fc.oneof(fc.array(entry, { maxLength: 60 }), value),
    });
    fc.assert(
      fc.property(answer, (given) => {
        const result = repairPlan(JSON.stringify(given));
        if (result.kind === 'draft') valid(result.draft);
      }),
      { numRuns: 300 },
    );
  });

  it('does not change a valid plan', () => {
    const draft = draftOf(3);
    expect(repairPlan(pretty)).toEqual({ kind: 'draft', draft });
  });

  it('ends for endless nesting and endless openings', () => {
    expect(repairPlan('['.repeat(200_000)).kind).toBe('none');
    expect(repairPlan('{"a":'.repeat(50_000)).kind).toBe('none');
    expect(repairPlan(`${'['.repeat(100_000)}${']'.repeat(100_000)}`).kind).toBe('none');
    expect(repairPlan('{a '.repeat(100_000)).kind).toBe('none');
    expect(repairPlan('<think>'.repeat(50_000)).kind).toBe('none');
  });
});

describe('a plan from a draft', () => {
  const seen = (given: Partial<Job>, count: number): string[] | undefined =>
    planFromDraft({ ...job, ...given }, draftOf(count))?.scenes.map(({ description }) => description.slice(-1));

  it.each<[string, Partial<Job>, number, string[] | undefined]>([
    ['as many scenes as requested', { sceneCount: 3 }, 3, ['1', '2', '3']],
    ['too many scenes: the first ones and the last', { sceneCount: 3 }, 6, ['1', '2', '6']],
    ['too many scenes for one: the last', { sceneCount: 1, durationSeconds: 7 }, 3, ['3']],
    ['fewer scenes than the rules propose, which fill the duration', {}, 2, ['1', '2']],
    ['fewer scenes than requested', { sceneCount: 4 }, 3, undefined],
    ['too few scenes for the duration', {}, 1, undefined],
  ])('%s', (_what, given, count, expected) => {
    expect(seen(given, count)).toEqual(expected);
  });

  it('fills empty fields of the draft from the prompt', () => {
    const plan = planFromDraft(job, { ...draftOf(3), title: '', style: { ...style, subject: '' } });
    expect(plan).toMatchObject({ title: 'A kettle that sings.', style: { subject: 'A kettle that sings.' } });
  });
});

describe('readJsonAt', () => {
  it('reads valid JSON like JSON.parse', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify([value], undefined, indent);
        expect(readJsonAt(text, 0)).toEqual({ kind: 'value', value: JSON.parse(text) as unknown, end: text.length });
      }),
    );
  });

  it('uses no part of truncated JSON', () => {
    const text = JSON.stringify(draftOf(2));
    for (let end = 1; end < text.length; end += 1) expect(repairPlan(text.slice(0, end)).kind).toBe('none');
  });
});
