import { describe, expect, it } from '@jest/globals';
import { type PlanDraft, planDraftSchema } from '@clipmesh/contracts';
import { repairPlan } from './plan.repair.js';

const style = {
  ...{ style: 'cinematic', palette: 'teal', lighting: 'soft', composition: 'centred', mood: 'calm' },
  subject: 'a steel kettle',
};
const scene = (n: number, more: object = {}): Record<string, unknown> => ({
  ...{ role: 'problem', description: `Kettle, view ${n}`, durationSeconds: 4, overlayText: `Text ${n}` },
  ...more,
});
const scenes = [scene(1), scene(2), scene(3)];
const whole = { title: 'Tea', style, scenes };
const json = JSON.stringify(whole);
const pretty = JSON.stringify(whole, undefined, 2);
const views = [1, 2, 3].map((n) => `Kettle, view ${n}`);
const THUMB = '👍🏽';

function repaired(answer: string): PlanDraft {
  const result = repairPlan(answer);
  if (result.kind === 'none') throw new Error(result.problem);
  expect(planDraftSchema.safeParse(result.draft).error).toBeUndefined();
  return result.draft;
}
const without = (value: object, ...names: string[]): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
const withScenes = (given: unknown): string => JSON.stringify({ ...whole, scenes: given });
const withSeconds = (...seconds: unknown[]): string =>
  withScenes(seconds.map((durationSeconds, at) => scene(at + 1, { durationSeconds })));

describe('an answer that holds the whole plan', () => {
  it.each([
    ['plain JSON', json],
    ['a Markdown fence', `\`\`\`json\n${pretty}\n\`\`\``],
    ['a fence without a language', `\`\`\`\n${json}\n\`\`\`\n`],
    ['a fence that is not closed', `\`\`\`json\n${json}`],
    ['a byte order mark', `\uFEFF${json}`],
    ['prose before and after', `Sure! Here is your plan:\n\n${pretty}\n\nLet me know what you think [1].`],
    ['prose with braces', `I use {title} and {scenes}, as asked:\n${json}`],
    [
      'reasoning',
      `<think>\nThe user wants {"scenes": [{"description": "a draft"}]}. Three scenes.\n</think>\n\n${json}`,
    ],
    ['reasoning without an opening tag', `Three scenes, I think.\n</think>\n${json}`],
    ['reasoning in upper-case tags, and a fence', `<THINKING>Hm.</THINKING>\n\`\`\`json\n${json}\n\`\`\``],
    ['reasoning in square brackets', `[THINK]Hm {"a": 1}[/THINK]${json}`],
    ['reasoning with a tag name space', `<mm:think>Hm</mm:think>${json}`],
    [
      'channels',
      `<|channel|>analysis<|message|>{"a":1}<|end|><|start|>assistant<|channel|>final<|message|>${json}<|return|>`,
    ],
    ['a final channel with a format', `<|channel|>final <|constrain|>json<|message|>${json}`],
    ['a reasoning tag inside a string', JSON.stringify({ ...whole, note: 'no </think> here' })],
    ['a first try before the answer', `First try: ${withScenes([scene(9)])}\nBetter: ${json}`],
    ['extra commas', pretty.replace(/"\n(\s*)\}/gu, '",\n$1}').replace(/\}\n(\s*)\]/gu, '},\n$1]')],
    ['missing commas', pretty.replace('"Tea",', '"Tea"').replace('},\n    {', '}\n    {')],
    ['comments', pretty.replace('"title"', '// the name\n  "title" /* short */')],
    ['typographic quotation marks', json.replaceAll('"', '“').replace(/“([:,}\]])/gu, '”$1')],
    ['Python', json.replaceAll('"', "'").replace('{', "{'final': True, 'note': None, ")],
    ['keys without quotation marks', json.replace(/"(\w+)":/gu, '$1:')],
    ['a wrapper', JSON.stringify({ plan: whole })],
    ['two wrappers', JSON.stringify({ status: 'ok', result: { plan: whole } })],
    ['a tool call', JSON.stringify({ name: 'plan', arguments: json })],
    ['JSON in a string', JSON.stringify(json)],
    ['a list of one plan', JSON.stringify([whole])],
    ['the schema filled in', JSON.stringify({ type: 'object', properties: whole })],
    [
      'extra keys',
      JSON.stringify({ id: 7, ...whole, hashtags: ['tea'], scenes: scenes.map((s) => ({ ...s, id: 1 })) }),
    ],
    [
      'keys in other spellings',
      json.replaceAll('durationSeconds', 'duration_seconds').replaceAll('overlayText', 'Overlay-Text'),
    ],
    ['scenes by number', withScenes({ 2: scenes[1], 10: scenes[2], 1: scenes[0] })],
    ['scenes by name', withScenes({ scene1: scenes[0], scene2: scenes[1], scene3: scenes[2] })],
    ['scenes in a list in an object', withScenes({ count: 3, items: scenes })],
    ['scenes in a string', withScenes(JSON.stringify(scenes))],
  ])('%s', (_what, answer) => {
    const draft = repaired(answer);
    expect(draft.title).toBe('Tea');
    expect(draft.style).toEqual(style);
    expect(draft.scenes.map(({ description }) => description)).toEqual(views);
    expect(draft.scenes.map(({ durationSeconds }) => durationSeconds)).toEqual([4, 4, 4]);
    expect(draft.scenes.map(({ overlayText }) => overlayText)).toEqual(['Text 1', 'Text 2', 'Text 3']);
  });
});

describe('an answer whose meaning is clear', () => {
  it.each<[string, string, number[]]>([
    ['halves', withSeconds(4.5, 3.4, 4), [5, 3, 4]],
    ['strings', withSeconds('4', '4.0', ' 5 '), [4, 4, 5]],
    ['units', withSeconds('4s', '4 sec', '5 seconds'), [4, 4, 5]],
    ['a decimal comma', withSeconds('4,4', '3,6s', 5), [4, 4, 5]],
    ['milliseconds', withSeconds(4000, '4000ms', 5000), [4, 4, 5]],
    ['a clock', withSeconds('0:04', '00:04', '0:05'), [4, 4, 5]],
    ['ranges', withSeconds('0-4s', '0:04 - 0:08', '8s–13s'), [4, 4, 5]],
    ['objects', withSeconds({ seconds: 4 }, { value: 4, unit: 's' }, [5]), [4, 4, 5]],
    [
      'start and end',
      withScenes([scene(1, { durationSeconds: null, start: 0, end: 4 }), scene(2), scene(3)]),
      [4, 4, 4],
    ],
    ['nothing', withSeconds(undefined, null, 'short'), [4, 4, 4]],
    ['nonsense', withSeconds(-3, 0, 1e300), [1, 1, 60]],
  ])('has lengths as %s', (_what, answer, seconds) => {
    expect(repaired(answer).scenes.map(({ durationSeconds }) => durationSeconds)).toEqual(seconds);
  });

  it.each<[string, string, object]>([
    ['no title', JSON.stringify(without(whole, 'title')), { title: '' }],
    ['a headline', JSON.stringify({ ...without(whole, 'title'), Headline: 'Tea **time**' }), { title: 'Tea time' }],
    ['no style', JSON.stringify(without(whole, 'style')), { style: { style: '', palette: '', subject: '' } }],
    ['a style as a string', JSON.stringify({ ...whole, style: 'noir' }), { style: { style: 'noir', mood: '' } }],
    [
      'a part of a style',
      JSON.stringify({ ...whole, style: { mood: null, Colors: ['teal', 'gold'] } }),
      { style: { palette: 'teal, gold', mood: '' } },
    ],
    [
      'a style beside the plan',
      JSON.stringify({ ...without(whole, 'style'), palette: 'teal', style: 'noir' }),
      { style: { style: 'noir', palette: 'teal' } },
    ],
    [
      'no role, no overlay',
      withScenes([without(scene(1), 'role', 'overlayText')]),
      { scenes: [{ role: '', overlayText: '' }] },
    ],
    ['a role in capitals', withScenes([scene(1, { role: 'PROBLEM' })]), { scenes: [{ role: 'problem' }] }],
    ['no overlay on purpose', withScenes([scene(1, { overlayText: null })]), { scenes: [{ overlayText: '' }] }],
    [
      'an overlay as an object',
      withScenes([scene(1, { overlayText: { text: '**Hot**', position: 'top' } })]),
      { scenes: [{ overlayText: 'Hot' }] },
    ],
    [
      'a visual',
      withScenes([{ visual: 'Steam', caption: 'Hot', duration: '4s' }]),
      { scenes: [{ description: 'Steam', overlayText: 'Hot' }] },
    ],
    [
      'scenes as strings',
      withScenes(['Steam rises', 'Tea flows']),
      { scenes: [{ description: 'Steam rises' }, { description: 'Tea flows' }] },
    ],
    ['one scene that is no list', withScenes(scene(1)), { scenes: [{ description: 'Kettle, view 1' }] }],
    [
      'a bare list of scenes',
      JSON.stringify(scenes),
      { title: '', scenes: [{ description: 'Kettle, view 1' }, {}, {}] },
    ],
    [
      'an empty scene among others',
      withScenes([scene(1), { role: 'x', description: ' ' }, scene(2)]),
      { scenes: [{}, { description: 'Kettle, view 2' }] },
    ],
    [
      'a line break in a string',
      '{"title": "Tea", "scenes": [{"description": "Steam\nrises"}]}',
      { scenes: [{ description: 'Steam rises' }] },
    ],
    [
      'unescaped quotation marks in a string',
      '{"title": "Tea", "scenes": [{"description": "She says "yes" and pours"}]}',
      { scenes: [{ description: 'She says "yes" and pours' }] },
    ],
    [
      'half a surrogate pair',
      withScenes([scene(1, { description: 'Steam \ud83d rises' })]),
      { scenes: [{ description: 'Steam rises' }] },
    ],
    [
      'control characters',
      withScenes([scene(1, { description: 'Steam\u0000rises\u0007' })]),
      { scenes: [{ description: 'Steam rises' }] },
    ],
  ])('has %s', (_what, answer, expected) => {
    expect(repaired(answer)).toMatchObject(expected);
  });

  it('reads scripts, transitions, music and the product under the names that models use', () => {
    const draft = repaired(
      JSON.stringify({
        scenes: [
          { description: 'x', voiceover: 'It sings.', transition: 'none' },
          { description: 'y', narration: '**Now**', 'Transition in': 'a dip to black' },
          { description: 'z', transition: 'Cross-fade, 0.5 s' },
        ],
        music: { genre: 'Upbeat electronic' },
        product: { productName: 'Songo', features: ['sings', ''], cta: 'Order now' },
      }),
    );
    expect(draft.scenes.map(({ script, transition }) => [script, transition])).toEqual([
      ['It sings.', undefined],
      ['Now', 'dip-black'],
      [undefined, 'crossfade'],
    ]);
    expect(draft.music).toEqual({ mood: 'upbeat' });
    expect(draft.product).toEqual({ name: 'Songo', benefits: ['sings'], callToAction: 'Order now' });
  });

  it('has overlong texts cut between words and characters', () => {
    const draft = repaired(
      JSON.stringify({
        title: 'Title '.repeat(43) + 'ab',
        style: { ...style, subject: THUMB.repeat(180), mood: 'calm '.repeat(60) },
        scenes: [
          scene(1, { description: `${'x'.repeat(1997)}${THUMB}`, role: 'r'.repeat(90), overlayText: THUMB.repeat(99) }),
        ],
      }),
    );
    expect(draft.title).toBe(`${'Title '.repeat(33).trim()}…`);
    expect(draft.style.subject).toBe(`${THUMB.repeat(99)}…`);
    expect(draft.style.mood).toBe(`${'calm '.repeat(40).trim()}…`);
    expect(draft.scenes[0]?.description).toBe(`${'x'.repeat(1997)}…`);
    expect(draft.scenes[0]?.overlayText).toBe(`${THUMB.repeat(49)}…`);
  });
});

describe('an answer that is not a plan', () => {
  it.each([
    ['nothing', '', 'the plan is not JSON', false],
    ['prose', 'I am sorry, I cannot help with that.', 'the plan is not JSON', false],
    ['a truncated plan', json.slice(0, -40), 'the JSON of the plan is truncated', true],
    ['a truncated plan whose scenes are whole', json.slice(0, -1), 'the JSON of the plan is truncated', true],
    ['a truncated plan in a fence', `\`\`\`json\n${pretty.slice(0, 200)}`, 'the JSON of the plan is truncated', true],
    ['an error', '{"error": {"message": "overloaded"}}', 'no scene of the plan has a description', false],
    ['no scenes', withScenes([]), 'no scene of the plan has a description', false],
    ['empty scenes', withScenes([{ description: '' }, {}]), 'no scene of the plan has a description', false],
    [
      'the schema itself',
      JSON.stringify({
        type: 'object',
        properties: {
          title: { type: 'string' },
          scenes: { type: 'array', items: { type: 'object', properties: { role: { type: 'string' } } } },
        },
        required: ['title', 'scenes'],
      }),
      'no scene of the plan has a description',
      false,
    ],
    [
      'scenes of a plan that cannot be read',
      '{"title": oh "scenes": [{"description": "Steam"}]}',
      'the plan is not JSON',
      false,
    ],
    ['only reasoning', '<think>{"scenes": [{"description": "Steam"', 'the JSON of the plan is truncated', true],
  ])('%s', (_what, answer, problem, unclosed) => {
    expect(repairPlan(answer)).toEqual({ kind: 'none', problem, unclosed });
  });
});
