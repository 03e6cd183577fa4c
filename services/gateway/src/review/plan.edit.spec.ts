import { type Plan } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { applyPlanEdit } from './plan.edit.js';

const plan: Plan = {
  ...{ title: 'Tea', framework: 'PAS', source: 'template', seed: 1, durationSeconds: 9 },
  style: { style: '', palette: '', lighting: '', composition: '', mood: '', subject: '' },
  scenes: [0, 1, 2].map((index) => ({ index, role: 'x', description: 'Tea', durationSeconds: 3 })),
};

describe('an edit of a plan', () => {
  it('with a character that no font has is refused with its name', () => {
    const edit = { scenes: [{ index: 1, overlay: { text: 'Tea \u{13000}, \u{10ffff}' } }] };
    expect(() => applyPlanEdit(plan, edit)).toThrow(/U\+13000 EGYPTIAN HIEROGLYPH A001, U\+10FFFF/);
  });

  it('with a text in any script is applied', () => {
    const edit = { scenes: [{ index: 1, overlay: { text: 'चाय 🎉 שלום' } }] };
    expect(applyPlanEdit(plan, edit).scenes[1]?.overlay?.text).toBe('चाय 🎉 שלום');
  });
});
