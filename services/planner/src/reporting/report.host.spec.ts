import { describe, expect, it, jest } from '@jest/globals';
import { ClipmeshError, type GenerationRecord } from '@clipmesh/contracts';
import { ConflictError } from '@clipmesh/persistence';
import { at, recordOf } from '../../test/generation.samples.js';
import { report, REPORT_TRIES, type ReportDeps } from './report.host.js';

const traceId = '5de7f58866240624a6a3d33a8b974a96';
const record = recordOf({ traceId });
const { id } = record;
const clip = (spanId: string, fromMs: number, toMs: number): object => ({
  traceId,
  spanId,
  name: 'process clip.generate',
  kind: 5,
  startTimeUnixNano: `${1_000 + fromMs}000000`,
  endTimeUnixNano: `${1_000 + toMs}000000`,
  attributes: [
    { key: 'clipmesh.stage', value: { stringValue: 'clip' } },
    { key: 'clipmesh.pool.size', value: { intValue: '2' } },
    { key: 'clipmesh.worker.id', value: { stringValue: 'clip-generator.1' } },
  ],
});
const resourceSpans = [
  {
    resource: { attributes: [{ key: 'service.name', value: { stringValue: 'clip-generator' } }] },
    scopeSpans: [{ spans: [clip('0000000000000001', 0, 1000), clip('0000000000000002', 0, 600)] }],
  },
];

function deps(spans: unknown[], complete: boolean, conflicts = 0) {
  let left = conflicts;
  const saved: GenerationRecord[] = [];
  const info = jest.fn();
  const warn = jest.fn();
  const made: ReportDeps = {
    generations: {
      get: () => Promise.resolve({ value: record, revision: '7' }),
      save: (value) => {
        left -= 1;
        if (left >= 0) return Promise.reject(new ConflictError('changed by another'));
        saved.push(value);
        return Promise.resolve({ value, revision: '8' });
      },
    },
    trace: () => Promise.resolve({ resourceSpans: spans, complete }),
    logger: { info, warn },
  };
  return { made, saved, info, warn };
}
const of = { generationId: id, run: 1 };
const signal = new AbortController().signal;

describe('the report of an ended generation', () => {
  it('is written to the record and to one log line', async () => {
    const { made, saved, info } = deps(resourceSpans, true);
    await report(made, of, 1, signal);
    expect(saved).toHaveLength(1);
    expect(saved[0]).toMatchObject({
      updatedAt: at,
      performance: {
        makespanMs: 1000,
        workMs: 1600,
        speedup: 1.6,
        timeSavedMs: 600,
        workers: { clip: 2 },
        stages: [{ stage: 'clip', count: 2, workMs: 1600, busyMs: 1000 }],
        bottleneck: { stage: 'clip' },
        complete: true,
      },
    });
    expect(info.mock.calls).toEqual([
      [
        expect.objectContaining({ generationId: id, makespanMs: 1000, speedup: 1.6, stageMs: { clip: 1000 } }),
        expect.any(String),
      ],
    ]);
  });

  it('waits for a complete trace, up to the maximum of tries', async () => {
    const { made, saved } = deps(resourceSpans, false);
    for (let tries = 1; tries < REPORT_TRIES; tries += 1) {
      const error = await report(made, of, tries, signal).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ClipmeshError);
      expect(error).toMatchObject({ retryable: true });
    }
    expect(saved).toEqual([]);
    await report(made, of, REPORT_TRIES, signal);
    expect(saved[0]?.performance).toMatchObject({ makespanMs: 1000, complete: false });
  });

  it('does not overwrite a concurrent change', async () => {
    const { made, saved } = deps(resourceSpans, true, 3);
    await report(made, of, 1, signal);
    expect(saved).toHaveLength(1);
  });

  it.each([
    ['began before the trace was read', 0],
    ['began while the trace was read', 1],
  ])('is not written to the record of another run that %s', async (_name, after) => {
    const { made, saved } = deps(resourceSpans, true);
    let looks = 0;
    const get = (): ReturnType<ReportDeps['generations']['get']> => {
      looks += 1;
      const next = { ...record, traceId: 'f'.repeat(32), state: { ...record.state, run: 2 } };
      return Promise.resolve({ value: looks > after ? next : record, revision: '7' });
    };
    await report({ ...made, generations: { ...made.generations, get } }, of, 1, signal);
    expect(saved).toEqual([]);
  });

  it('warns when no span is left, and logs nothing when spans are not stored', async () => {
    const { made, saved, warn } = deps([], false);
    await report(made, of, REPORT_TRIES, signal);
    await report({ ...made, trace: undefined }, of, 1, signal);
    expect(saved).toEqual([]);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
