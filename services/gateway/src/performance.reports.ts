import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type GenerationStatus } from '@clipmesh/contracts';

export interface StoredTrace {
  readonly resourceSpans: unknown[];
  /** The last span and every parent is there. */
  readonly complete: boolean;
}
export interface ReportLimits {
  /** Most reports that a replica keeps. */
  readonly kept: number;
  /** The wait for missing spans, from the end of the run, ms. */
  readonly settleMs: number;
  /** A report of a trace that is not whole yet is made again after this long, ms. */
  readonly refreshMs: number;
}
export interface ReportDeps {
  readonly limits: ReportLimits;
  readonly collect: (traceId: string) => Promise<StoredTrace>;
  /** The report of a trace in OTLP JSON; undefined when it has no span. */
  readonly analyze: (document: Pick<StoredTrace, 'resourceSpans'>) => Promise<unknown>;
  /** ms since the epoch. */
  readonly now: () => number;
}

interface Kept {
  readonly report: Promise<unknown>;
  untilMs: number;
}

/** The performance reports of runs that have ended: each is made once, however many ask at once, and kept. */
export class PerformanceReports {
  private readonly kept = new Map<string, Kept>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: ReportDeps) {}

  /** The report of a run's trace; undefined when its spans are gone. An error is not kept. */
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
    // One thread at a time: the others wait for their turn.
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

/** The compiled thread: beside this file, or where the tests run from the sources, in dist. */
function threadUrl(): URL {
  const beside = new URL('./performance.worker.js', import.meta.url);
  return existsSync(beside) ? beside : new URL('../dist/performance.worker.js', import.meta.url);
}

/** Analyses a trace in a thread of its own, so that the event loop goes on. */
export function analyzeInThread(document: Pick<StoredTrace, 'resourceSpans'>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(threadUrl(), { workerData: document });
    worker.once('message', (report: unknown) => {
      resolve(report);
      void worker.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      reject(new Error(`the thread of the analysis ended with code ${code} before its report`));
    });
  });
}

/**
 * The report with how the generation ended and what that means for its figures. Nothing is saved by work that was stopped,
 * so its `timeSavedMs` is never negative.
 */
export function withOutcome(report: unknown, status: GenerationStatus): unknown {
  if (typeof report !== 'object' || report === null) return report;
  const saved = 'timeSavedMs' in report && typeof report.timeSavedMs === 'number' ? report.timeSavedMs : 0;
  if (status !== 'succeeded')
    return {
      ...report,
      timeSavedMs: Math.max(0, saved),
      outcome: status,
      notes: [
        `The generation ${status === 'failed' ? 'failed' : 'was canceled'}: the figures cover the work until then.`,
      ],
    };
  const notes = saved < 0 ? ['It waited longer than work ran side by side, so timeSavedMs is negative.'] : [];
  return { ...report, outcome: status, notes };
}
