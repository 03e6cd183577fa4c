import { describe, expect, it } from '@jest/globals';
import { PLAN_ANSWERS } from '../control/answer.forms.js';
import { choiceOf, planText } from './plan.answers.js';
import { ScenarioStore } from '../control/scenario.store.js';

const plan = {
  title: 'Tea',
  style: { subject: 'a kettle' },
  scenes: [{ role: 'problem', description: 'Steam', durationSeconds: 4 }],
};

describe('the answers of the language model', () => {
  it('follow the order of the scenario, then are plain plans', () => {
    const scenarios = new ScenarioStore();
    scenarios.set({ planAnswers: [...PLAN_ANSWERS] });
    expect([...PLAN_ANSWERS, 'more'].map(() => scenarios.takeCompletion())).toEqual([...PLAN_ANSWERS, 'plan']);
    scenarios.set({ badPlanFirst: true });
    expect([scenarios.takeCompletion(), scenarios.takeCompletion()]).toEqual(['invalid', 'plan']);
  });

  it('have the forms of real models', () => {
    expect(planText('plan', plan)).toBe(JSON.stringify(plan));
    expect(planText('fenced', plan)).toContain('```json\n{');
    expect(planText('thoughts', plan)).toMatch(/^<think>[^<]*<\/think>/);
    expect(JSON.parse(planText('sloppy', plan))).toMatchObject({ scenes: [{ id: 1, durationSeconds: '4s' }] });
    expect(JSON.parse(planText('sloppy', plan))).toMatchObject({
      title: expect.stringMatching(/^.{260}$/) as unknown,
    });
  });

  it.each([
    ['that fits the limit', {}, 'stop', 'x'.repeat(40), 10, 0],
    ['with reasoning', { thoughtTokens: 50, maxTokens: 100 }, 'stop', 'x'.repeat(40), 60, 50],
    ['that is truncated', { maxTokens: 4 }, 'length', 'x'.repeat(16), 4, 0],
    ['whose reasoning leaves few tokens', { thoughtTokens: 95, maxTokens: 100 }, 'length', 'x'.repeat(20), 100, 95],
    ['whose reasoning leaves no tokens', { thoughtTokens: 500, maxTokens: 100 }, 'length', '', 100, 100],
  ])('count tokens for an answer %s', (_what, limits, finish, content, outputTokens, reasoningTokens) => {
    expect(choiceOf('plan', 'x'.repeat(40), limits)).toMatchObject({
      choice: { finish_reason: finish, message: { content } },
      outputTokens,
      reasoningTokens,
    });
  });
});
