import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type GenerationStatus } from '@clipmesh/contracts';

export interface StoredTrace {
  readonly resourceSpans: unknown[];
  /** The trace has its last span and every parent. */
  readonly complete: boolean;
}
export interface ReportLimits {
  /** Maximum number of reports that a replica keeps. */
  readonly kept: number;
  /** How long missing spans may still arrive after the end of the run, ms. */
  readonly settleMs: number;
  /** Lifetime of the report of an incomplete trace, ms. */
  readonly refreshMs: number;
}
export interface ReportDeps {
  readonly limits: ReportLimits;
  readonly collect: (traceId: string) => Promise<StoredTrace>;
  /** The report of a trace in OTLP JSON. Undefined when it has no spans. */
  readonly analyze: (document: Pick<StoredTrace, 'resourceSpans'>) => Promise<unknown>;
  /** Clock, ms since the epoch. */
  readonly now: () => number;
}

interface Kept {
  readonly report: Promise<unknown>;
  untilMs: number;
}

/** The performance reports of ended runs. Each report is computed once, also for concurrent requests, and cached. */
export class PerformanceReports {
  private readonly kept = new Map<string, Kept>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: ReportDeps) {}

  /** The report of a run's trace. Undefined when its spans are no longer kept. An error is not cached. */
  async of(traceId: string, endedMs: number): Promise<unknown> {
    const found = this.kept.get(traceId);
    if (found !== undefined && found.untilMs > this.deps.now()) return found.report;
    const kept: Kept = {
      report: this.make(traceId, endedMs, (untilMs) => (kept.untilMs = untilMs)),
      untilMs: Infinity,
    };
    this.kept.delete(traceId);
    this.kept.set(traceId, kept);
    const [oldest] = this.kept.keys();
    if (this.kept.size > this.deps.limits.kept && oldest !== undefined) this.kept.delete(oldest);
    try {
      return await kept.report;
    } catch (error) {
      kept.untilMs = 0;
      throw error;
    }
  }

  private async make(traceId: string, endedMs: number, keepUntil: (ms: number) => void): Promise<unknown> {
    const trace = await this.deps.collect(traceId);
    // One thread at a time.
    const turn = this.last.catch(() => undefined).then(() => this.deps.analyze({ resourceSpans: trace.resourceSpans }));
    this.last = turn;
    const report = await turn;
    const now = this.deps.now();
    const { settleMs, refreshMs } = this.deps.limits;
    const isSettled = report !== undefined && (trace.complete || now - endedMs > settleMs);
    keepUntil(isSettled ? Infinity : now + refreshMs);
    return report;
  }
}

/** The compiled worker: next to this file, or in dist when the tests run from the sources. */
function threadUrl(): URL {
  const beside = new URL('./performance.worker.js', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../dist/reports/performance.worker.js', import.meta.url);
}

/** Analyses a trace in a worker thread, so that it does not block the event loop. */
export function analyzeInThread(document: Pick<StoredTrace, 'resourceSpans'>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(threadUrl(), { workerData: document });
    worker.once('message', (report: unknown) => {
      resolve(report);
      void worker.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      reject(new Error(`the analysis worker exited with code ${code} without a report`));
    });
  });
}

/**
 * Adds the outcome of the generation to its report, and notes about what that means for the numbers. `timeSavedMs` of a run
 * that failed or was canceled is at least 0.
 */
export function withOutcome(report: unknown, status: GenerationStatus): unknown {
  if (typeof report !== 'object' || report === null) return report;
  const saved = 'timeSavedMs' in report && typeof report.timeSavedMs === 'number' ? report.timeSavedMs : 0;
  if (status === 'failed' || status === 'canceled')
    return {
      ...report,
      timeSavedMs: Math.max(0, saved),
      outcome: status,
      notes: [
        `The generation ${status === 'failed' ? 'failed' : 'was canceled'}: the numbers cover the work until then.`,
      ],
    };
  const notes = saved < 0 ? ['Waiting took longer than parallel work saved, so timeSavedMs is negative.'] : [];
  return { ...report, outcome: status, notes };
}
