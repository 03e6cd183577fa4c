import { describe, expect, it } from '@jest/globals';
import { costText, reportText } from './report.text.js';

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
  it.each([
    [{}, '$1.4400 simulated: the sandbox replaces the providers, and nothing was charged'],
    [{ REPLICATE_API_TOKEN: '', OPENAI_API_KEY: '' }, '$1.4400 simulated: the sandbox'],
    [{ REPLICATE_API_TOKEN: 'r8_x' }, '$1.4400, partly simulated: the sandbox replaces the language model'],
    [{ OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' }, '$1.4400, partly simulated: the sandbox replaces the clips'],
    [{ OPENAI_API_KEY: 'sk-x' }, '$1.4400, partly simulated: the sandbox replaces the clips'],
    [{ VIDEO_MODELS: 'fal-ai/veo3.1', REPLICATE_API_TOKEN: 'r8_x' }, '$1.4400 simulated: the sandbox'],
    [
      { VIDEO_MODELS: 'fal-ai/veo3.1, google/veo-3.1', REPLICATE_API_TOKEN: 'r8_x', OPENAI_API_KEY: 'sk-x' },
      'the sandbox replaces the clips of fal (no FAL_KEY)',
    ],
  ])('says which part is simulated: %j', (env, text) => {
    expect(costText(1.44, env)).toContain(text);
  });

  it('is the plain amount when both providers charge', () => {
    expect(costText(1.44, { REPLICATE_API_TOKEN: 'r8_x', OPENAI_API_KEY: 'sk-x' })).toBe('$1.4400');
  });
});
