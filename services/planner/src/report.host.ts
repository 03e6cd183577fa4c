import { ClipmeshError, type GenerationRecord, type PerformanceSummary } from '@clipmesh/contracts';
import { ConflictError, type GenerationStore } from '@clipmesh/persistence';
import { analyze, parseTrace, type PerformanceReport } from '@clipmesh/trace-analysis';
import { type createLogger } from '@clipmesh/tracing';

export const REPORT_DEPS = Symbol('REPORT_PARTS');
export interface ReportDeps {
  readonly generations: Pick<GenerationStore, 'get' | 'save'>;
  /** What is stored of a trace; undefined where no spans are stored. */
  readonly trace:
    | ((
        traceId: string,
        signal: AbortSignal,
      ) => Promise<{ readonly resourceSpans: unknown[]; readonly complete: boolean }>)
    | undefined;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn'>;
}

/** Tries for a whole trace; the last one takes what there is, because the spans of a killed service never come. */
export const REPORT_TRIES = 5;
/** Times one summary is saved again because somebody else saved first. */
const MAX_CONFLICTS = 20;

/** The leading figures of a report. */
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
 * Puts the summary of a run that has ended into its generation's record and into the log; of one that another run has
 * followed by then there is none, for record and trace are of that. Throws a retryable error while spans are missing and
 * tries are left. Told twice, it is written twice, to the same.
 */
export async function report(
  deps: ReportDeps,
  { generationId, run }: { readonly generationId: string; readonly run: number },
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const { generations, trace, logger } = deps;
  const found = await generations.get(generationId);
  if (found?.value.state.run !== run || trace === undefined) return;
  const { traceId } = found.value;
  const { resourceSpans, complete } = await trace(traceId, signal);
  signal.throwIfAborted();
  if (!complete && attempt < REPORT_TRIES)
    throw new ClipmeshError('INTERNAL', `the trace ${traceId} is not whole yet`, { retryable: true });
  const [stored] = parseTrace({ resourceSpans });
  if (stored === undefined) {
    logger.warn({ generationId, traceId }, 'there is no span of the generation: it gets no performance summary');
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
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const found = await generations.get(generationId);
    if (found?.value.state.run !== run) return;
    const next: GenerationRecord = { ...found.value, performance };
    try {
      await generations.save(next, found.revision);
      return;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  throw new ClipmeshError(
    'STORE_UNAVAILABLE',
    `generation ${generationId} was changed by others ${MAX_CONFLICTS} times in a row`,
  );
}
