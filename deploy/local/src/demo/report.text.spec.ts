import { describe, expect, it } from '@jest/globals';
import { costText, type PaidEntry, reportText } from './report.text.js';

const report = {
  makespanMs: 4_400,
  sequentialMs: 9_000,
  timeSavedMs: 4_600,
  speedup: 2.0454,
  peakConcurrency: 4,
  workers: { clip: 3, overlay: 2 },
  stages: [
    { stage: 'clip', count: 3, workMs: 4_800, busyMs: 1_900 },
    { stage: 'overlay', count: 3, workMs: 2_800, busyMs: 1_800 },
  ],
};

describe('reportText', () => {
  it('shows stages, workers and the speed-up', () => {
    const text = reportText(report);
    expect(text).toMatch(/^clip +4\.8 s +1\.9 s +3$/m);
    expect(text).toMatch(/^overlay +2\.8 s +1\.8 s +2$/m);
    expect(text).toContain('Speed-up   2.05x with up to 4 workers at once: 4.6 s saved');
    expect(text).not.toContain('Bottleneck');
  });

  it('shows the bottleneck when there is one', () => {
    const bottleneck = { stage: 'clip', share: 0.431, advice: 'add workers' };
    expect(reportText({ ...report, bottleneck })).toContain('Bottleneck clip (43 %): add workers');
  });
});

describe('costText', () => {
  const plan = { stage: 'llm', provider: 'openai', amountUsd: 0.04 };
  const clip = (provider: string) => ({ stage: 'clip', provider, amountUsd: 1.4 });
  const keys = { OPENAI_API_KEY: 'sk-x' };
  it.each<[string, PaidEntry[], Record<string, string>, string]>([
    [
      'all, without keys',
      [plan, clip('replicate')],
      {},
      '$1.4400 simulated: the sandbox replaces the providers, and nothing was charged',
    ],
    [
      'all, with empty keys',
      [plan, clip('replicate')],
      { REPLICATE_API_TOKEN: '', OPENAI_API_KEY: '' },
      '$1.4400 simulated: the sandbox',
    ],
    [
      'the plan',
      [plan, clip('replicate')],
      { REPLICATE_API_TOKEN: 'r8_x' },
      '$1.4400, of which $0.0400 are simulated: the sandbox replaces the language model (no OPENAI_API_KEY)',
    ],
    [
      'the clips, beside a language model of your own',
      [plan, clip('replicate')],
      { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' },
      '$1.4400, of which $1.4000 are simulated: the sandbox replaces the clips of replicate (no REPLICATE_API_TOKEN)',
    ],
    [
      'the clips of the model that ran, whatever VIDEO_MODELS says',
      [plan, clip('fal')],
      { ...keys, VIDEO_MODELS: 'google/veo-3.1', REPLICATE_API_TOKEN: 'r8_x' },
      '$1.4400, of which $1.4000 are simulated: the sandbox replaces the clips of fal (no FAL_KEY)',
    ],
    [
      'the clips of one of two providers, with an adjustment',
      [plan, clip('replicate'), clip('fal'), { ...clip('fal'), amountUsd: -0.4 }],
      { ...keys, REPLICATE_API_TOKEN: 'r8_x' },
      '$1.4400, of which $1.0000 are simulated: the sandbox replaces the clips of fal (no FAL_KEY)',
    ],
  ])('says what is simulated: %s', (_name, entries, env, text) => {
    expect(costText(1.44, entries, env)).toContain(text);
  });

  it.each<[string, PaidEntry[], Record<string, string>]>([
    ['every provider has its key', [plan, clip('replicate')], { ...keys, REPLICATE_API_TOKEN: 'r8_x' }],
    ['only the provider that ran has its key', [plan, clip('fal')], { ...keys, FAL_KEY: 'a:b' }],
    ['a GPU of your own ran, without any key for clips', [plan, clip('cog')], keys],
    ['nothing was paid', [], {}],
  ])('is the plain amount when %s', (_name, entries, env) => {
    expect(costText(1.44, entries, env)).toBe('$1.4400');
  });
});
