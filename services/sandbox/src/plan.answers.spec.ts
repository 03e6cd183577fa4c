import { describe, expect, it } from '@jest/globals';
import { choiceOf, PLAN_ANSWERS, writtenAs } from './plan.answers.js';
import { ScenarioDesk } from './scenario.desk.js';

const plan = {
  title: 'Tea',
  style: { subject: 'a kettle' },
  scenes: [{ role: 'problem', description: 'Steam', durationSeconds: 4 }],
};

describe('the answers of the language model', () => {
  it('come in the order of the scenario, then plain', () => {
    const desk = new ScenarioDesk();
    desk.set({ planAnswers: [...PLAN_ANSWERS] });
    expect([...PLAN_ANSWERS, 'more'].map(() => desk.takeCompletion())).toEqual([...PLAN_ANSWERS, 'plan']);
    desk.set({ badPlanFirst: true });
    expect([desk.takeCompletion(), desk.takeCompletion()]).toEqual(['spoilt', 'plan']);
  });

  it('are written as models write', () => {
    expect(writtenAs('plan', plan)).toBe(JSON.stringify(plan));
    expect(writtenAs('fenced', plan)).toContain('```json\n{');
    expect(writtenAs('thoughts', plan)).toMatch(/^<think>[^<]*<\/think>/);
    expect(JSON.parse(writtenAs('sloppy', plan))).toMatchObject({ scenes: [{ id: 1, durationSeconds: '4s' }] });
    expect(JSON.parse(writtenAs('sloppy', plan))).toMatchObject({
      title: expect.stringMatching(/^.{260}$/) as unknown,
    });
  });

  it.each([
    ['that fits', {}, 'stop', 'x'.repeat(40), 10, 0],
    ['with thoughts', { thoughtTokens: 50, maxTokens: 100 }, 'stop', 'x'.repeat(40), 60, 50],
    ['that is cut off', { maxTokens: 4 }, 'length', 'x'.repeat(16), 4, 0],
    ['whose thoughts leave little room', { thoughtTokens: 95, maxTokens: 100 }, 'length', 'x'.repeat(20), 100, 95],
    ['whose thoughts leave no room', { thoughtTokens: 500, maxTokens: 100 }, 'length', '', 100, 100],
  ])('have tokens: one %s', (_what, limits, finish, content, outputTokens, reasoningTokens) => {
    expect(choiceOf('plan', 'x'.repeat(40), limits)).toMatchObject({
      choice: { finish_reason: finish, message: { content } },
      outputTokens,
      reasoningTokens,
    });
  });
});
