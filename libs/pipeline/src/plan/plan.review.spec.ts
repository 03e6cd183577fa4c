import { describe, expect, it } from '@jest/globals';
import { type Plan, planEditSchema, planSchema } from '@clipmesh/contracts';
import { editPlan, PlanEditError } from './plan.review.js';
import { planFromTemplate } from './plan.writer.js';
import { jobOf } from '../../test/director.samples.js';

const job = jobOf();
const plan = planFromTemplate(job);
const edit = (change: unknown, of: Plan = plan): Plan => editPlan(of, planEditSchema.parse(change));

describe('an edit of a plan', () => {
  it('changes nothing when it is empty', () => {
    expect(edit({})).toEqual(plan);
    expect(edit({ scenes: [{ index: 0 }], style: {} })).toEqual(plan);
  });

  it('changes the fields that it names, and keeps the rest', () => {
    const after = edit({
      title: 'Singing',
      style: { mood: 'calm' },
      scenes: [{ index: 2, description: 'A kettle at dawn', overlay: { position: 'top' } }],
    });
    expect(after).toEqual({
      ...plan,
      title: 'Singing',
      style: { ...plan.style, mood: 'calm' },
      scenes: plan.scenes.map((scene) =>
        scene.index === 2
          ? { ...scene, description: 'A kettle at dawn', overlay: { ...scene.overlay, position: 'top' } }
          : scene,
      ),
    });
    expect(planSchema.parse(after)).toEqual(after);
  });

  it('sets what a new look brings, unless the edit names it', () => {
    const { scenes } = edit({ scenes: [{ index: 1, overlay: { look: 'karaoke', fontSizePt: 40 } }] });
    expect(scenes[1]?.overlay).toMatchObject({ look: 'karaoke', animation: 'words', color: '#ffffff', fontSizePt: 40 });
    expect(scenes[1]?.overlay?.text).toBe(plan.scenes[1]?.overlay?.text);
    expect(scenes[0]?.overlay).toEqual(plan.scenes[0]?.overlay);
  });

  it('is refused for a text that no font can draw', () => {
    const change = { scenes: [{ index: 1, overlay: { text: 'Tea \u{13000}' } }] };
    expect(() => edit(change)).toThrow(
      expect.objectContaining({ field: 'scenes.0.overlay.text', characters: ['\u{13000}'] }),
    );
  });

  it('removes an overlay text and adds one again', () => {
    const bare = edit({ scenes: [{ index: 1, overlay: null }] });
    expect(bare.scenes[1]).not.toHaveProperty('overlay');
    const again = edit({ scenes: [{ index: 1, overlay: { text: 'Now', fontSizePt: 40 } }] }, bare);
    expect(again.scenes[1]?.overlay).toEqual({
      ...{ text: 'Now', fontSizePt: 40, position: 'bottom' },
      ...{ color: '#ffffff', animation: 'fade', shadow: true },
    });
    expect(() => edit({ scenes: [{ index: 1, overlay: { position: 'top' } }] }, bare)).toThrow(PlanEditError);
  });

  it('changes script, transition, music and product, and removes a script', () => {
    const after = edit({
      scenes: [
        { index: 0, script: null },
        { index: 1, script: 'It sings.', transition: 'wipe' },
      ],
      music: { mood: 'epic' },
      product: { name: 'Songo' },
    });
    expect(after.scenes[0]).not.toHaveProperty('script');
    expect(after.scenes[1]).toMatchObject({ script: 'It sings.', transition: 'wipe' });
    expect(after.scenes[2]).toEqual(plan.scenes[2]);
    expect([after.music, after.product]).toEqual([{ mood: 'epic' }, { ...plan.product, name: 'Songo' }]);
    const { product: _product, ...bare } = plan;
    expect(edit({ product: { name: 'Songo' } }, bare).product).toEqual({ name: 'Songo', benefits: [] });
  });

  it('sets the duration of the video to the sum of its scenes', () => {
    const after = edit({ scenes: [{ index: 0, durationSeconds: 7 }] });
    expect(after.durationSeconds).toBe(after.scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0));
  });

  it.each([
    ['an unknown scene', { scenes: [{ index: 3 }] }, 'scenes.0.index', 'the plan has scenes 0-2'],
    ['a transition of the first scene', { scenes: [{ index: 0, transition: 'wipe' }] }, 'scenes.0.transition', 'first'],
    ['a repeated scene', { scenes: [{ index: 1 }, { index: 1 }] }, 'scenes', 'named twice'],
  ])('is rejected for %s', (_name, change, field, words) => {
    expect(() => edit(change)).toThrow(expect.objectContaining({ field, message: expect.stringContaining(words) }));
  });

  it('is rejected when the video would be too short', () => {
    const short = planFromTemplate({ ...job, durationSeconds: 9 });
    expect(() => edit({ scenes: [{ index: 0, durationSeconds: 3 }] }, short)).not.toThrow();
    const two = { ...short, scenes: short.scenes.slice(0, 2) };
    expect(() => edit({ scenes: [{ index: 0, durationSeconds: 3 }] }, two)).toThrow('a video takes 9-60 s');
  });

  it.each([
    [{ scenes: [{ index: 0, durationSeconds: 2 }] }],
    [{ scenes: [{ index: 0, durationSeconds: 8 }] }],
    [{ scenes: [{ index: 0, description: ' ' }] }],
    [{ scenes: [{ index: 0, overlay: { text: 'a\u0000' } }] }],
    [{ scenes: [{ index: 0, overlay: { color: 'red' } }] }],
    [{ title: '' }],
    [{ seed: 4 }],
    [{ scenes: [{ index: 1, transition: 'spin' }] }],
    [{ scenes: [{ index: 1, script: 'x'.repeat(401) }] }],
    [{ music: { mood: 'sad' } }],
    [{ product: { price: '$3' } }],
    [{ style: { font: 'x' } }],
  ])('does not accept %j', (change) => {
    expect(planEditSchema.safeParse(change).success).toBe(false);
  });
});
