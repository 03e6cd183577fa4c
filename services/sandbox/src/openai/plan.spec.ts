import { describe, expect, it } from '@jest/globals';
import { planDraftSchema } from '@clipmesh/contracts';
import { readBrief, splitSeconds, writePlan } from './plan.writer.js';
import { fitSchema } from './schema.filler.js';

describe('plan writer', () => {
  it('follows the brief in the system message', () => {
    const brief = readBrief(
      'You write plans.\nframework: AIDA\nscenes: 4\ndurationSeconds: 20',
      'A thermos that keeps tea hot. Buy it!',
    );
    const plan = writePlan(brief);
    expect(plan.scenes.map(({ role }) => role)).toEqual(['attention', 'interest', 'desire', 'action']);
    expect(plan.scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)).toBe(20);
    expect(plan.scenes.every(({ description }) => description.includes('thermos'))).toBe(true);
    expect(plan.style.subject).toBe('A thermos that keeps tea hot. Buy it!');
    expect(plan.scenes.map(({ overlayText }) => overlayText)).toContain('Keeps tea hot');
    expect(writePlan(brief)).toEqual(plan);
  });

  it('uses the text between the tags', () => {
    const { style, product, scenes } = writePlan(readBrief('scenes: 3', '<product>\na thermos. Buy it!\n</product>'));
    expect([product?.name, style.subject]).toEqual(['Thermos', 'a thermos. Buy it!']);
    expect(scenes.every(({ description }) => description.includes('the thermos'))).toBe(true);
    expect(readBrief('', '<product> is what it says').prompt).toBe('<product> is what it says');
  });

  it('writes as many scenes as requested, of 3-7 s', () => {
    for (let scenes = 1; scenes <= 20; scenes += 1) {
      const durationSeconds = scenes * 5 - (scenes > 1 ? 1 : 0);
      const plan = writePlan({ framework: 'PAS', scenes, durationSeconds, prompt: 'shoes' });
      expect(planDraftSchema.safeParse(plan).error).toBeUndefined();
      expect(plan.scenes).toHaveLength(scenes);
    }
    expect(splitSeconds(20, 3)).toEqual([7, 7, 6]);
    expect(splitSeconds(100, 2)).toEqual([7, 7]);
  });
});

describe('schema filler', () => {
  it('keeps matching values and fills in required ones', () => {
    const schema = {
      type: 'object',
      required: ['title', 'kind', 'list', 'maybe', 'nested', 'count', 'ok'],
      properties: {
        title: { type: 'string' },
        kind: { enum: ['a', 'b'] },
        count: { type: 'integer', minimum: 3, maximum: 9 },
        ok: { type: 'boolean' },
        list: { type: 'array', minItems: 2, items: { $ref: '#/$defs/item' } },
        maybe: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        nested: { type: 'object', required: ['x'], properties: { x: { type: ['number', 'null'] } } },
        optional: { type: 'string' },
      },
      $defs: { item: { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 3 } } } },
    };
    expect(fitSchema(schema, { title: 'T', count: 99, extra: 1, list: [{ name: 'long' }] })).toEqual({
      title: 'T',
      kind: 'a',
      count: 9,
      ok: false,
      list: [{ name: 'lo…' }, { name: 'lo…' }],
      maybe: 'text',
      nested: { x: 1 },
    });
  });

  it('terminates on a recursive schema', () => {
    expect(fitSchema({ type: 'object', required: ['me'], properties: { me: { $ref: '#' } } })).toBeDefined();
  });
});
