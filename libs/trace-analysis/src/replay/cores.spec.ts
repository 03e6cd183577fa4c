import { describe, expect, it } from '@jest/globals';
import { ATTR } from '@clipmesh/tracing';
import fc from 'fast-check';
import { overlayTrace, type OverlaySpec } from '../../test/overlay.builder.js';
import { makespanOf } from '../../test/pipeline.builder.js';
import { expectInvariants } from '../../test/report.invariants.js';
import { analyze, formatReport, modelOf, type Scenario, type Trace, whatIf } from '../index.js';
import { replay } from './replay.js';

const S = 1_000_000;
const RUNS = { numRuns: 150, interruptAfterTimeLimit: 30_000, markInterruptAsFailure: false };
const scene = fc.record({
  clipUs: fc.integer({ min: 1000, max: 900_000 }),
  freeUs: fc.integer({ min: 20_000, max: 900_000 }),
});
const overlays: fc.Arbitrary<OverlaySpec> = fc.record({
  scenes: fc.array(scene, { minLength: 1, maxLength: 8 }),
  slots: fc.integer({ min: 1, max: 5 }),
  milliCores: fc.constantFrom(1000, 1500, 2000, 4000),
  othersMilliCores: fc.constantFrom(0, 0, 300),
});
const predicted = (trace: Trace, scenario: Scenario): number => whatIf(modelOf(trace), scenario).predictedUs;
const off = (said: number, real: number): number => Math.abs(said / real - 1);
/** A trace shows only workers that had work, so there are at most as many as tasks. */
const seen = (spec: OverlaySpec): OverlaySpec => ({ ...spec, slots: Math.min(spec.slots, spec.scenes.length) });
const alike = (count: number, freeUs = S): OverlaySpec['scenes'] =>
  Array.from({ length: count }, () => ({ clipUs: S / 10, freeUs }));

describe('a replay on shared cores', () => {
  it('of the unchanged system matches the measurement', () => {
    fc.assert(
      fc.property(overlays, fc.integer({ min: 1, max: 3 }), (spec, hosts) => {
        const report = analyze(overlayTrace({ ...spec, hosts }));
        expectInvariants(report);
        expect(Math.abs(report.calibrationErrorPct)).toBeLessThan(1);
      }),
      RUNS,
    );
  });
  it('predicts the effect of other numbers of workers', () => {
    fc.assert(
      fc.property(overlays, fc.integer({ min: 1, max: 6 }), (made, slots) => {
        const spec = seen(made);
        const trace = overlayTrace(spec);
        // A trace shows only the workers that had work.
        const scenario = { slots: { overlay: slots } };
        expect(off(predicted(trace, scenario), makespanOf(overlayTrace({ ...spec, slots })))).toBeLessThan(0.03);
      }),
      RUNS,
    );
  });
  it('predicts the effect of other numbers of cores', () => {
    fc.assert(
      fc.property(overlays, fc.constantFrom(1, 2, 3), (made, times) => {
        const spec = { ...seen(made), othersMilliCores: 0 };
        const scenario = { cores: { host0: times } };
        const real = makespanOf(overlayTrace({ ...spec, milliCores: spec.milliCores * times }));
        expect(off(predicted(overlayTrace(spec), scenario), real)).toBeLessThan(0.03);
      }),
      RUNS,
    );
  });
  it('is never below its bound or the CPU time over the cores', () => {
    fc.assert(
      fc.property(overlays, fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 2), (spec, slots, times) => {
        const model = modelOf(overlayTrace(spec));
        const scenario = { slots: { overlay: slots }, cores: { host0: times } };
        const { predictedUs, boundUs } = whatIf(model, scenario);
        const work = spec.scenes.reduce((sum, { freeUs }) => sum + freeUs * 1000, 0);
        expect(predictedUs).toBeGreaterThanOrEqual(boundUs);
        // Demands explain the CPU time within 2 %.
        expect(boundUs).toBeGreaterThanOrEqual(0.97 * (work / (spec.milliCores * times)));
      }),
      RUNS,
    );
  });
  it('does not depend on the cores for tasks that do not compute', () => {
    fc.assert(
      fc.property(overlays, (spec) => {
        const trace = overlayTrace(spec);
        const silent = trace.spans.map(({ attributes: { [ATTR.cpuMs]: _, ...attributes }, ...one }) => ({
          ...one,
          attributes,
        }));
        const model = modelOf({ ...trace, spans: silent });
        expect(model.hosts.size).toBe(0);
        expect(replay(model, { cores: { host0: 3 } })).toEqual(replay(model));
        expect(Math.abs(replay(model).makespanUs - makespanOf(trace))).toBeLessThan(100);
      }),
      RUNS,
    );
  });
  it('equals the replay without cores when there are enough', () => {
    fc.assert(
      fc.property(overlays, fc.integer({ min: 1, max: 6 }), (spec, slots) => {
        const model = modelOf(overlayTrace({ ...spec, milliCores: 64_000, othersMilliCores: 0 }));
        const tasks = model.tasks.map((task) => ({
          ...task,
          pieces: task.pieces.map(({ cpu: _, ...piece }) => piece),
        }));
        const scenario = { slots: { overlay: slots } };
        expect(replay(model, scenario)).toEqual(replay({ ...model, tasks }, scenario));
      }),
      RUNS,
    );
  });
  it('does not share cores between hosts', () => {
    const spec = { scenes: alike(4), slots: 4, milliCores: 1000 };
    const together = makespanOf(overlayTrace(spec));
    const apart = overlayTrace({ ...spec, hosts: 4 });
    expect(makespanOf(apart)).toBeLessThan(together - 2 * S);
    expect(off(predicted(apart, {}), makespanOf(apart))).toBeLessThan(0.001);
    expect(analyze(apart).hosts.map(({ id, cores }) => [id, cores])).toEqual(
      [0, 1, 2, 3].map((host) => [`host${host}`, 1]),
    );
  });
});

describe('the advice for a stage that computes', () => {
  it('is more cores when the workers use all of them', () => {
    const report = analyze(overlayTrace({ scenes: alike(8), slots: 2, milliCores: 2000 }));
    expect(report.bottleneck.stage).toBe('overlay');
    expect(report.bottleneck.advice).toMatch(
      /^Overlay is bound by the CPU \(2 cores of its host, (?:9\d|100) % in use while it computes\), so more workers alone do not help; add cores or use another machine\. 2 more overlay workers on twice the cores would save 4\d % /,
    );
    for (const change of ['3 overlay workers', '4 overlay workers', '8 overlay workers']) {
      const found = report.whatIf.find((one) => one.change === change);
      expect(off(found?.predictedMakespanMs ?? 0, report.makespanMs)).toBeLessThan(0.02);
    }
    expect(formatReport(report)).toMatch(/^host0 +2 +8\.00 s +\d+ %$/m);
  });
  it('is more cores alone when there are more workers than cores', () => {
    const { bottleneck } = analyze(overlayTrace({ scenes: alike(8), slots: 4, milliCores: 2000 }));
    expect(bottleneck.advice).toMatch(/Overlay on twice the cores would save 4\d %/);
  });
  it('is more workers when cores are idle', () => {
    const { bottleneck } = analyze(overlayTrace({ scenes: alike(8), slots: 2, milliCores: 8000 }));
    expect(bottleneck.advice).toMatch(/^\d more overlay workers would save [67]\d %/);
  });
  it('considers the cores that other programs use', () => {
    const report = analyze(overlayTrace({ scenes: alike(8), slots: 2, milliCores: 4000, othersMilliCores: 2000 }));
    const found = report.whatIf.find(({ change }) => change === '4 overlay workers');
    expect(off(found?.predictedMakespanMs ?? 0, report.makespanMs)).toBeLessThan(0.02);
  });
  it('is more workers for overlays that mostly wait on a busy machine', () => {
    const scenes = Array.from({ length: 4 }, () => ({ clipUs: S / 10, freeUs: S, milliCores: 90 }));
    const report = analyze(overlayTrace({ scenes, slots: 1, milliCores: 2000, othersMilliCores: 1900 }));
    expect(report.bottleneck.advice).toMatch(/^\d more overlay workers would save [67]\d %/);
    const found = report.whatIf.find(({ change }) => change === '2 overlay workers');
    expect(off(found?.predictedMakespanMs ?? 0, 2106)).toBeLessThan(0.02);
  });
  it('counts slow-down by shared cores on the critical path as capacity', () => {
    // One of 3 s beside four of 0.5 s on two cores: the path is the long one, which the others slow by 0.75 s.
    const scenes = [...alike(1, 3 * S), ...alike(4, S / 2)];
    const { gap, lowerBoundMs, makespanMs } = analyze(overlayTrace({ scenes, slots: 5, milliCores: 2000 }));
    expect(off(lowerBoundMs, 3106)).toBeLessThan(0.01);
    expect(off(makespanMs - lowerBoundMs, 750)).toBeLessThan(0.05);
    expect(gap.capacityMs / (makespanMs - lowerBoundMs)).toBeGreaterThan(0.95);
  });
  it('is never a change that saves less than the accuracy of predictions', () => {
    fc.assert(
      fc.property(overlays, (spec) => {
        const { bottleneck } = analyze(overlayTrace(spec));
        const [, saving] = /would save (-?\d+) %/.exec(bottleneck.advice) ?? [];
        if (saving !== undefined) expect(Number(saving)).toBeGreaterThanOrEqual(5);
      }),
      RUNS,
    );
  });
});
