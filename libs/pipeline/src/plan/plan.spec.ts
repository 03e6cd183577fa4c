import { describe, expect, it } from '@jest/globals';
import { createGenerationSchema, type Job, planSchema } from '@clipmesh/contracts';
import fc from 'fast-check';
import { countWords } from '../speech/speech.fit.js';
import { clipPrompt, evenDurations, fitDurations, rolesFor } from './plan.rules.js';
import { planFromDraft, planFromTemplate } from './plan.writer.js';

const job = (durationSeconds: number, extra: Partial<Job> = {}): Job => ({
  prompt: 'A solar lamp for balconies. It charges by day.',
  durationSeconds,
  aspectRatio: '9:16',
  seed: 1,
  overlays: true,
  models: ['google/veo-3.1'],
  window: 4,
  fallbackAfter: 3,
  ...extra,
});

describe('plan rules', () => {
  it('writes a valid plan for every legal duration, framework and scene count', () => {
    for (let seconds = 9; seconds <= 60; seconds += 1) {
      for (const framework of [undefined, 'PAS', 'BAB', 'AIDA'] as const) {
        for (const sceneCount of [undefined, 1, 2, 3, 5, 7, 12]) {
          const body = {
            prompt: 'x'.repeat(10),
            durationSeconds: seconds,
            ...(sceneCount === undefined ? {} : { sceneCount }),
          };
          if (!createGenerationSchema.safeParse(body).success) continue;
          const plan = planFromTemplate(
            job(seconds, { ...(framework && { framework }), ...(sceneCount && { sceneCount }) }),
          );
          expect(planSchema.safeParse(plan).success).toBe(true);
          expect(plan.scenes.reduce((sum, scene) => sum + scene.durationSeconds, 0)).toBe(seconds);
          if (sceneCount !== undefined) expect(plan.scenes).toHaveLength(sceneCount);
        }
      }
    }
  });

  it('writes scripts, transitions, music and the product', () => {
    const plan = planFromTemplate(job(15));
    expect(plan.product).toMatchObject({ name: 'Solar lamp', benefits: ['Charges by day'] });
    expect(plan.music).toEqual({ mood: 'warm' });
    expect(plan.scenes.map(({ transition }) => transition)).toEqual([undefined, 'crossfade', 'crossfade', 'zoom']);
    for (const { script, durationSeconds } of plan.scenes)
      expect(countWords(script ?? '')).toBeLessThanOrEqual(durationSeconds * 2.3);
    expect(plan.scenes.every(({ script }) => script !== undefined)).toBe(true);
  });

  it('takes scripts, transitions, music and the product from a draft', () => {
    const style = { style: '', palette: '', lighting: '', composition: '', mood: '', subject: '' };
    const scene = { role: 'x', description: 'A lamp glows', durationSeconds: 4, overlayText: 'Glow' };
    const scenes = [scene, { ...scene, script: 'It glows.', transition: 'wipe' } as const, scene, scene];
    const product = { name: 'Glim', benefits: ['no cable', ' '], audience: '' };
    const plan = planFromDraft(job(15), { title: 't', style, scenes, music: { mood: 'calm' }, product });
    expect(plan?.scenes[1]).toMatchObject({ script: 'It glows.', transition: 'wipe' });
    expect(plan?.scenes[0]).not.toHaveProperty('transition');
    expect([plan?.music, plan?.product]).toEqual([{ mood: 'calm' }, { name: 'Glim', benefits: ['no cable'] }]);
    expect(planSchema.safeParse(plan).error).toBeUndefined();
  });

  it('leaves characters out of the texts of a draft that no font can draw', () => {
    const scene = { role: 'x', description: 'A lamp glows', durationSeconds: 5, overlayText: 'Glow \u{13000} on' };
    const style = { style: '', palette: '', lighting: '', composition: '', mood: '', subject: '' };
    const draft = { title: 't', style, scenes: [scene, scene, { ...scene, overlayText: '\u{13000}' }] };
    const plan = planFromDraft(job(15, { sceneCount: 3 }), draft);
    expect(plan?.scenes[0]?.overlay?.text).toBe('Glow on');
  });

  it('gives every text the look of the request', () => {
    const overlays = planFromTemplate(job(15, { look: 'bold' })).scenes.flatMap(({ overlay }) => overlay ?? []);
    expect(overlays.length).toBeGreaterThan(2);
    for (const overlay of overlays) expect(overlay).toMatchObject({ look: 'bold', animation: 'pop', fontSizePt: 84 });
    for (const { overlay } of planFromTemplate(job(15)).scenes) expect(overlay).not.toHaveProperty('look');
  });

  it('splits 15 s into four AIDA scenes', () => {
    const plan = planFromTemplate(job(15));
    expect(plan.scenes.map(({ role, durationSeconds }) => [role, durationSeconds])).toEqual([
      ['attention', 4],
      ['interest', 4],
      ['desire', 4],
      ['action', 3],
    ]);
  });

  it.each([
    [9, 5, '9 s cannot be cut into 5 scenes of 3-7 s; choose 2-3 scenes, or a duration of 15-35 s'],
    [15, 12, '15 s cannot be cut into 12 scenes of 3-7 s; choose 3-5 scenes, or a duration of 36-60 s'],
    [60, 2, '60 s cannot be cut into 2 scenes of 3-7 s; choose 9-12 scenes, or a duration of 9-14 s'],
    [9, 1, '9 s cannot be cut into 1 scene of 3-7 s; choose 2-3 scenes'],
  ])('suggests valid values when a request asks for %i s in %i scenes', (durationSeconds, sceneCount, expected) => {
    const refused = createGenerationSchema.safeParse({ prompt: 'x'.repeat(10), durationSeconds, sceneCount });
    expect(refused.error?.issues.map(({ message }) => message)).toEqual([expected]);
  });

  it('fits any requested lengths to the sum, 3-7 s each', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double(), fc.integer({ min: -5, max: 70 })), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        (requested, offset) => {
          const total = requested.length * 3 + (offset % (requested.length * 4 + 1));
          const lengths = fitDurations(total, requested);
          expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(total);
          expect(lengths.every((length) => Number.isInteger(length) && length >= 3 && length <= 7)).toBe(true);
        },
      ),
    );
    expect(() => evenDurations(9, 5)).toThrow('9 s cannot be cut into 5 scenes');
  });

  it('spreads the steps of a framework over more or fewer scenes', () => {
    expect(rolesFor('PAS', 7)).toEqual(['problem', 'problem', 'problem', 'agitate', 'agitate', 'solution', 'solution']);
    expect(rolesFor('AIDA', 2)).toEqual(['attention', 'action']);
  });

  it('rejects a draft with too few scenes, and corrects its durations', () => {
    const style = { style: 's', palette: 'p', lighting: 'l', composition: 'c', mood: 'm', subject: 'a lamp' };
    const scene = { role: 'x', description: 'A lamp glows', durationSeconds: 99, overlayText: 'Glow' };
    expect(planFromDraft(job(15), { title: 't', style, scenes: [scene] })).toBeUndefined();
    const plan = planFromDraft(job(15), { title: 't', style, scenes: [scene, scene, scene, scene] });
    expect(plan?.scenes.map(({ durationSeconds }) => durationSeconds)).toEqual([3, 4, 4, 4].sort((a, b) => a - b));
    expect(clipPrompt(plan!, plan!.scenes[0]!)).toContain('Subject: a lamp.');
  });
});
