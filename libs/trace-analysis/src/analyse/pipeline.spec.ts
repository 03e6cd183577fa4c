import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makespanOf, pipelineTrace, type PipelineSpec, scenesOf } from '../../test/pipeline.builder.js';
import { expectInvariants } from '../../test/report.invariants.js';
import { toJaeger, toOtlp } from '../../test/trace.writers.js';
import { analyze, modelOf, parseTrace, type PerformanceReport, whatIf } from '../index.js';

const S = 1_000_000;
const RUNS = { numRuns: 100, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false };
/** A replay omits the parts of the director's turns that nothing waited for. */
const NEAR_US = 500;

const scene = fc.record({
  clipUs: fc.integer({ min: 1000, max: 900_000 }),
  overlayUs: fc.integer({ min: 1000, max: 900_000 }),
  providerQueueUs: fc.nat(100_000),
  pollUs: fc.nat(50_000),
  limitUs: fc.nat(30_000),
});
const pipeline = fc.record({
  scenes: fc.array(scene, { minLength: 1, maxLength: 9 }),
  llmUs: fc.integer({ min: 1000, max: 500_000 }),
  clipSlots: fc.integer({ min: 1, max: 5 }),
  overlaySlots: fc.integer({ min: 1, max: 4 }),
  stitchUs: fc.integer({ min: 10, max: 500_000 }),
});
const failures = fc.array(
  fc.record({ workUs: fc.integer({ min: 1000, max: 90_000 }), pauseUs: fc.integer({ min: 5000, max: 90_000 }) }),
  { maxLength: 2 },
);
const predicted = (spec: PipelineSpec, scenario: Parameters<typeof whatIf>[1]): number =>
  whatIf(modelOf(pipelineTrace(spec)), scenario).predictedUs;

describe('a pipeline', () => {
  it('has the right counts and slots', () => {
    const report = analyze(pipelineTrace({ scenes: scenesOf(3, { clipUs: S, overlayUs: S / 2 }) }));
    const counts = Object.fromEntries(report.stages.map(({ stage, count }) => [stage, count]));
    expect(counts).toEqual({ planning: 1, llm: 1, clip: 3, overlay: 3, stitch: 1 });
    expect(report.workers).toEqual({ planning: 4, llm: 4, clip: 4, overlay: 2, stitch: 1 });
    expect(report.peakConcurrency).toBe(3);
  });
  it('satisfies the invariants, and its replay matches the measurement', () => {
    fc.assert(
      fc.property(pipeline, fc.integer({ min: 1, max: 9 }), fc.nat(3000), (spec, window, hopUs) => {
        const report = analyze(pipelineTrace({ ...spec, window, hopUs }));
        expectInvariants(report);
        expect(Math.abs(report.calibrationErrorPct)).toBeLessThan(1);
      }),
      RUNS,
    );
  });
  it('satisfies the invariants with failed tries, and its replay matches when they do not queue again', () => {
    fc.assert(
      fc.property(pipeline, fc.integer({ min: 1, max: 9 }), failures, (spec, window, failed) => {
        const scenes = spec.scenes.map((one, at) => ({ ...one, failures: at === 1 ? failed : [] }));
        expectInvariants(analyze(pipelineTrace({ ...spec, scenes, window })));
        const roomy = analyze(pipelineTrace({ ...spec, scenes, window, clipSlots: 12 }));
        expect(Math.abs(roomy.calibrationErrorPct)).toBeLessThan(1);
      }),
      RUNS,
    );
  });
  it('predicts a simulation with other slots', () => {
    fc.assert(
      fc.property(pipeline, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 6 }), (spec, clip, overlay) => {
        const made = makespanOf(pipelineTrace({ ...spec, clipSlots: clip, overlaySlots: overlay }));
        expect(Math.abs(predicted(spec, { slots: { clip, overlay } }) - made)).toBeLessThan(NEAR_US);
      }),
      RUNS,
    );
  });
  it('predicts a simulation with another window', () => {
    fc.assert(
      fc.property(pipeline, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (spec, before, after) => {
        const made = makespanOf(pipelineTrace({ ...spec, window: after }));
        const said = predicted({ ...spec, window: before }, { window: after });
        expect(Math.abs(said - made)).toBeLessThan(NEAR_US);
      }),
      RUNS,
    );
  });
  it('predicts a simulation with faster overlays', () => {
    const scenes = scenesOf(6, { clipUs: S, overlayUs: 800_000 });
    const spec = { scenes, overlaySlots: 1 };
    const made = makespanOf(pipelineTrace({ ...spec, scenes: scenesOf(6, { clipUs: S, overlayUs: 400_000 }) }));
    expect(Math.abs(predicted(spec, { speed: { overlay: 2 } }) - made)).toBeLessThan(NEAR_US);
  });
  it('has a bound of at most the simulated makespan', () => {
    fc.assert(
      fc.property(pipeline, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }), (spec, clip, window) => {
        const bound = whatIf(modelOf(pipelineTrace(spec)), { slots: { clip }, window }).boundUs;
        expect(bound).toBeLessThanOrEqual(makespanOf(pipelineTrace({ ...spec, clipSlots: clip, window })));
      }),
      RUNS,
    );
  });
});

describe('one pipeline', () => {
  const scenes = [
    ...scenesOf(3, { clipUs: S, overlayUs: S / 2, providerQueueUs: S / 5, pollUs: S / 10 }),
    { clipUs: S, overlayUs: S, failures: [{ workUs: S / 4, pauseUs: S }] },
  ];
  const trace = pipelineTrace({ scenes, overlaySlots: 1, window: 3, hopUs: 700 });
  const of = (json: unknown): PerformanceReport[] => parseTrace(json).map(analyze);
  it('gives the same report from the stream, /api/v3 and /api/traces', () => {
    const [streamed, ...more] = of(toOtlp(trace));
    expect(more).toEqual([]);
    const resourceSpans = toOtlp(trace).flatMap((one) => (one as { resourceSpans: object[] }).resourceSpans);
    expect(of({ result: { resourceSpans } })).toEqual([streamed]);
    expect(of(toJaeger(trace))).toEqual([streamed]);
    const { criticalPath, ...figures } = analyze(trace);
    expect(streamed).toMatchObject({ ...figures, traceId: streamed?.traceId });
    expect(streamed?.criticalPath).toHaveLength(criticalPath.length);
  });
});

describe('the bottleneck', () => {
  const usual = { clipUs: S, overlayUs: S / 10 };
  const find = (spec: PipelineSpec): PerformanceReport => analyze(pipelineTrace(spec));
  it('is the clips with one worker', () => {
    const report = find({ scenes: scenesOf(6, usual), clipSlots: 1 });
    expect(report.bottleneck.stage).toBe('clip');
    expect(report.bottleneck.advice).toMatch(
      /^5 more clip-generator workers would save \d+ % \(predicted 1\.\d s, bound 1\.\d s\)\.$/,
    );
    expect(report.stages.find(({ stage }) => stage === 'clip')?.queueWaitMs).toBeGreaterThan(14_000);
  });
  it('is the window when it is smaller than the number of workers', () => {
    const report = find({ scenes: scenesOf(6, usual), clipSlots: 6, window: 2 });
    expect(report.bottleneck.stage).toBe('clip');
    expect(report.bottleneck.advice).toMatch(/^A window of 6 scenes would save 5\d %/);
  });
  it('is a slow planner', () => {
    const report = find({ scenes: scenesOf(3, usual), llmUs: 9 * S });
    expect(report.bottleneck.stage).toBe('llm');
    expect(report.bottleneck.share).toBeGreaterThan(0.8);
    expect(report.bottleneck.advice).toContain('llm twice as fast would save 4');
  });
  it('is one slow scene, named by its number', () => {
    const report = find({ scenes: [...scenesOf(3, usual), { ...usual, clipUs: 8 * S }] });
    expect(report.bottleneck.stage).toBe('clip');
    expect(report.bottleneck.advice).toContain('scene 3 took 8.0 times as long as the median');
  });
  it('is a single overlay worker', () => {
    const report = find({ scenes: scenesOf(5, { clipUs: S / 10, overlayUs: S }), overlaySlots: 1 });
    expect(report.bottleneck.stage).toBe('overlay');
    expect(report.bottleneck.advice).toMatch(/more overlay workers would save/);
    expect(report.lowerBoundRatio).toBeGreaterThan(0.95);
  });
  it("is the provider's queue, which more workers do not shorten", () => {
    const report = find({ scenes: scenesOf(3, { ...usual, providerQueueUs: 5 * S }) });
    expect(report.bottleneck.advice).toMatch(/wait for the provider in clip: more workers do not shorten it/);
    expect(report.gap.externalMs).toBeCloseTo(5000, 0);
    expect(report.criticalPath.some(({ waitClass }) => waitClass === 'provider_queue')).toBe(true);
    expect(report.workMs).toBeLessThan(4000);
  });
  it("is the provider's rate limit, however many workers there are", () => {
    const report = find({ scenes: scenesOf(3, { ...usual, limitUs: 4 * S }) });
    expect(report.gap.externalMs).toBeCloseTo(4000, 0);
    expect(report.bottleneck.advice).toMatch(/^\d+ % of the time is the provider's rate limit in clip: more workers/);
    const few = find({ scenes: scenesOf(3, { ...usual, limitUs: 4 * S }), clipSlots: 2 });
    expect(few.bottleneck.advice).toMatch(/the provider's rate limit in clip/);
  });
  it('is the rate limit when tries were rate limited', () => {
    const failures = [1, 2].map(() => ({ workUs: S / 100, pauseUs: 3 * S, code: 'PROVIDER_RATE_LIMITED' }));
    const report = find({ scenes: [...scenesOf(5, usual), { ...usual, failures }], clipSlots: 3 });
    expect(report.bottleneck.advice).toMatch(/the provider's rate limit in clip/);
    expect(report.gap.externalMs).toBeGreaterThan(5000);
    expect(report.gap.retryMs).toBeLessThan(50);
    expect(report.criticalPath.filter(({ waitClass }) => waitClass === 'rate_limit')).toHaveLength(2);
  });
  it('is missing workers when more of them would overlap most of the waits', () => {
    const report = find({ scenes: scenesOf(6, { ...usual, providerQueueUs: 2 * S }), clipSlots: 1 });
    expect(report.bottleneck.advice).toMatch(/^5 more clip-generator workers would save/);
  });
  it('is failing tries, whose work and pauses are the gap', () => {
    const failures = [
      { workUs: S / 2, pauseUs: 2 * S },
      { workUs: S / 2, pauseUs: 4 * S },
    ];
    const report = find({ scenes: [usual, { ...usual, failures }] });
    expect(report.gap.retryMs).toBeCloseTo(7000, 0);
    expect(report.bottleneck.advice).toMatch(/pauses between tries of clip/);
    expect(report.stages.find(({ stage }) => stage === 'clip')?.count).toBe(4);
  });
  it('counts a poll lag as dispatch', () => {
    const report = find({ scenes: scenesOf(2, { ...usual, pollUs: 2 * S }) });
    expect(report.gap.dispatchMs).toBeGreaterThanOrEqual(2000);
  });
});
