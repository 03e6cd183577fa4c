import { describe, expect, it } from '@jest/globals';
import { pipelineTrace, scenesOf } from '../../test/pipeline.builder.js';
import { percentiles } from './aggregate.js';
import { aggregate, formatAggregate } from '../index.js';

const S = 1_000_000;

describe('percentiles', () => {
  it.each([
    [[], 0, 0],
    [[7], 7, 7],
    [[3, 1, 2], 2, 3],
    [Array.from({ length: 100 }, (_, i) => 100 - i), 50, 95],
  ])('of %j', (values, p50, p95) => {
    expect(percentiles(values)).toEqual({ p50, p95 });
  });
});

describe('the aggregate of many traces', () => {
  const slowClips = pipelineTrace({ scenes: scenesOf(4, { clipUs: S, overlayUs: S / 10 }), clipSlots: 1 });
  const slowOverlay = pipelineTrace({ scenes: scenesOf(4, { clipUs: S / 10, overlayUs: S }), overlaySlots: 1 });
  const report = aggregate([slowClips, slowClips, slowOverlay]);
  it('counts how often each stage is the bottleneck', () => {
    expect(Object.fromEntries(report.stages.map(({ stage, bottleneckIn }) => [stage, bottleneckIn]))).toEqual({
      planning: 0,
      llm: 0,
      clip: 2,
      overlay: 1,
      stitch: 0,
    });
    expect(report.traces).toBe(3);
  });
  it('has percentiles of a unit and of a whole trace', () => {
    const clip = report.stages.find(({ stage }) => stage === 'clip');
    expect(clip?.unitMs).toEqual({ p50: 1000.01, p95: 1000.01 });
    expect(clip?.workMs.p95).toBeCloseTo(4000, 0);
  });
  it('names the added workers that help, over all traces', () => {
    const [best] = report.workers;
    expect(best).toMatchObject({ stage: 'clip', added: 3, paysIn: 2 });
    expect(best?.meanSavingPct).toBeGreaterThan(40);
    expect(formatAggregate(report)).toMatch(/^3 more in clip +67 % +4\d\.\d %$/m);
  });
  it('says when no added workers help', () => {
    const one = aggregate([pipelineTrace({ scenes: scenesOf(1, { clipUs: S, overlayUs: S }) })]);
    expect(one.workers).toEqual([]);
    expect(formatAggregate(one)).toContain('More workers would not shorten any of these');
  });
});
