import { ClipmeshError, type PerformanceSummary, retryOnConflict } from '@clipmesh/contracts';
import { type GenerationStore } from '@clipmesh/persistence';
import { analyze, parseTrace, type PerformanceReport } from '@clipmesh/trace-analysis';
import { type Log } from '@clipmesh/tracing';

export const REPORT_DEPS = Symbol('REPORT_DEPS');
export interface ReportDeps {
  readonly generations: Pick<GenerationStore, 'get' | 'save'>;
  /** Reads a stored trace. Undefined: no spans are stored. */
  readonly trace:
    | ((
        traceId: string,
        signal: AbortSignal,
      ) => Promise<{ readonly resourceSpans: unknown[]; readonly complete: boolean }>)
    | undefined;
  readonly logger: Pick<Log, 'info' | 'warn'>;
}

/** Tries for a complete trace. The last one accepts an incomplete trace, as a killed service loses its spans. */
export const REPORT_TRIES = 5;

/** The summary of a report. */
export function summaryOf(report: PerformanceReport, complete: boolean): PerformanceSummary {
  const { makespanMs, workMs, speedup, timeSavedMs, workers, stages, bottleneck } = report;
  return {
    makespanMs,
    workMs,
    speedup,
    timeSavedMs,
    workers,
    stages: stages.map(({ stage, count, workMs: work, busyMs, queueWaitMs }) => ({
      stage,
      count,
      workMs: work,
      busyMs,
      queueWaitMs,
    })),
    bottleneck,
    complete,
  };
}

/**
 * Writes the summary of an ended run to the generation's record and to the log. Does nothing when a later run has started,
 * as record and trace belong to that run. `tries` is the number of the delivery. Throws a retryable error while spans are
 * missing and tries are left. Safe to repeat.
 */
export async function report(
  deps: ReportDeps,
  { generationId, run }: { readonly generationId: string; readonly run: number },
  tries: number,
  signal: AbortSignal,
): Promise<void> {
  const { generations, trace, logger } = deps;
  const found = await generations.get(generationId);
  if (found?.value.state.run !== run || trace === undefined) return;
  const { traceId } = found.value;
  const { resourceSpans, complete } = await trace(traceId, signal);
  signal.throwIfAborted();
  if (!complete && tries < REPORT_TRIES)
    throw new ClipmeshError('INTERNAL', `trace ${traceId} is not complete yet`, { retryable: true });
  const [stored] = parseTrace({ resourceSpans });
  if (stored === undefined) {
    logger.warn({ generationId, traceId }, 'no spans of the generation; skipping its performance summary');
    return;
  }
  const performance = summaryOf(analyze(stored), complete);
  await save(generations, { generationId, run }, performance);
  const { stages, ...figures } = performance;
  logger.info(
    {
      generationId,
      traceId,
      ...figures,
      stageMs: Object.fromEntries(stages.map(({ stage, busyMs }) => [stage, busyMs])),
    },
    'performance of the generation',
  );
}

async function save(
  generations: ReportDeps['generations'],
  { generationId, run }: { readonly generationId: string; readonly run: number },
  performance: PerformanceSummary,
): Promise<void> {
  await retryOnConflict(`generation ${generationId}`, async () => {
    const found = await generations.get(generationId);
    if (found?.value.state.run === run) await generations.save({ ...found.value, performance }, found.revision);
  });
}
