import { describe, expect, it } from '@jest/globals';
import { ATTR } from '@clipmesh/tracing';
import fc from 'fast-check';
import { overlayTrace } from '../../test/overlay.builder.js';
import { makespanOf, pipelineTrace, scenesOf } from '../../test/pipeline.builder.js';
import { expectInvariants } from '../../test/report.invariants.js';
import { analyze, formatReport, type PerformanceReport, type Span, type Trace } from '../index.js';

/** The trace of a run that ended at this time, without later spans and with running spans clipped. */
const endedAt = (trace: Trace, atUs: number): Trace => ({
  ...trace,
  spans: trace.spans
    .filter(({ startUs }) => startUs < atUs)
    .map((span) =>
      span.endUs <= atUs
        ? span
        : { ...span, endUs: atUs, attributes: { ...span.attributes, [ATTR.settlement]: 'ack' } },
    ),
});
const span = (id: string, startUs: number, endUs: number, more: Partial<Span> = {}): Span => ({
  ...{ id, parentId: undefined, links: [], service: 'gateway', name: id, kind: 'internal', attributes: {} },
  ...{ startUs, endUs },
  ...more,
});

function expectSense(report: PerformanceReport): void {
  expectInvariants(report);
  expect(report.timeSavedMs).toBeGreaterThanOrEqual(0);
  expect(report.speedup).toBeGreaterThanOrEqual(0);
  expect(report.efficiency).toBeLessThanOrEqual(1);
  // JSON writes invalid numbers as null.
  expect(JSON.stringify(report)).not.toMatch(/:null[,}\]]/);
  expect(formatReport(report)).not.toMatch(/NaN|Infinity|undefined/);
}

describe('a run that was canceled or failed', () => {
  const S = 1_000_000;
  it('has valid figures for any end', () => {
    const whole = pipelineTrace({
      scenes: scenesOf(4, { clipUs: S, overlayUs: S / 2, providerQueueUs: S }),
      clipSlots: 2,
    });
    const computing = overlayTrace({
      scenes: Array.from({ length: 4 }, () => ({ clipUs: S / 10, freeUs: S })),
      ...{ slots: 2, milliCores: 2000 },
    });
    fc.assert(
      fc.property(fc.constantFrom(whole, computing), fc.double({ min: 0, max: 1, noNaN: true }), (trace, share) => {
        expectSense(analyze(endedAt(trace, Math.floor(makespanOf(trace) * share))));
      }),
      { numRuns: 100, interruptAfterTimeLimit: 30_000, markInterruptAsFailure: false },
    );
  });
  it.each<[string, Span[]]>([
    ['before anything was done', [span('POST', 0, 900)]],
    ['while it waited for an approval', [span('POST', 0, 900), span('cancel', 600 * S, 600 * S + 900)]],
    [
      'while it waited for its provider',
      [
        span('clip', 0, 30 * S, { kind: 'consumer', attributes: { [ATTR.stage]: 'clip', [ATTR.settlement]: 'ack' } }),
        span('queue', 10, 30 * S, { parentId: 'clip', attributes: { [ATTR.waitClass]: 'provider_queue' } }),
      ],
    ],
    [
      'after tries that all failed',
      [0, 1, 2].map((at) =>
        span(`try ${at}`, at * 10 * S, at * 10 * S + 500, {
          ...{ kind: 'consumer', parentId: 'send' },
          attributes: { [ATTR.stage]: 'clip', [ATTR.settlement]: at < 2 ? 'nak' : 'term' },
        }),
      ),
    ],
  ])('has no saved or lost time when it ended %s', (_name, spans) => {
    const report = analyze({ traceId: 't', spans });
    expectSense(report);
    expect(report.timeSavedMs).toBe(0);
    expect(report.speedup).toBeLessThanOrEqual(1);
  });
});
