import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClipCache, type ClipSpec } from './clip.cache.js';
import { dataUrlOf } from './output.forms.js';
import { type PredictionFailure } from './prediction.failure.js';
import { advance, isFinal, type Prediction, type PredictionEvent } from './prediction.lifecycle.js';

/** The prediction fails when its render takes longer, ms. */
const RENDER_TIMEOUT_MS = 10 * 60_000;
/** Timers support no longer delay, ms. A longer limit is ignored. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface RunOptions {
  readonly spec: ClipSpec;
  readonly queueMs: number;
  readonly clipMs: number;
  /** The prediction does not end before this signal aborts. */
  readonly heldUntil?: AbortSignal;
  /** Makes the prediction fail. Default: it succeeds. */
  readonly failure?: PredictionFailure;
  readonly cancelAfterMs?: number;
  /** Reports to the caller's webhook. `close` aborts the signal and waits for the report. */
  readonly report: (prediction: Prediction, event: 'start' | 'completed', signal: AbortSignal) => Promise<unknown>;
}

interface Entry {
  prediction: Prediction;
  file?: string;
  readonly report: RunOptions['report'];
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });

/** Runs predictions. Keeps their state in memory. */
export class PredictionRunner {
  private readonly entries = new Map<string, Entry>();
  private readonly work = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();

  constructor(private readonly cache: ClipCache) {}

  /** All predictions, oldest first. */
  list(): Prediction[] {
    return [...this.entries.values()].map(({ prediction }) => prediction);
  }

  find(id: string): Prediction | undefined {
    return this.entries.get(id)?.prediction;
  }

  /** The clip file of a succeeded prediction. */
  fileOf(id: string): string | undefined {
    return this.entries.get(id)?.file;
  }

  start(prediction: Prediction, course: RunOptions): void {
    const controller = new AbortController();
    let onEnd = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    const entry: Entry = { prediction, report: course.report, controller, ended };
    this.entries.set(prediction.id, entry);
    controller.signal.addEventListener('abort', onEnd, { once: true });
    this.track(this.run(entry, course));
    if (course.cancelAfterMs !== undefined && course.cancelAfterMs <= MAX_TIMER_MS) {
      const limit = sleep(course.cancelAfterMs, undefined, { signal: controller.signal, ref: false });
      this.track(
        limit.then(
          () => this.cancel(prediction.id),
          () => undefined,
        ),
      );
    }
  }

  /** Cancels a prediction and its render. Does not change one that has ended. */
  cancel(id: string): Prediction | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.apply(entry, { type: 'cancel' });
    return entry.prediction;
  }

  /** Resolves when the prediction has ended, or after `ms`. */
  async waitFor(id: string, ms: number): Promise<void> {
    const entry = this.entries.get(id);
    if (entry === undefined || isFinal(entry.prediction.status)) return;
    const timer = new AbortController();
    const signal = AbortSignal.any([timer.signal, this.closing.signal]);
    await Promise.race([entry.ended, sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)]);
    timer.abort();
  }

  /** Aborts all renders and webhooks, and waits for their end, at most `ms`. */
  async close(ms: number): Promise<void> {
    this.closing.abort();
    for (const entry of this.entries.values()) entry.controller.abort();
    await Promise.race([Promise.allSettled(this.work), sleep(ms, undefined, { ref: false })]);
  }

  private async run(entry: Entry, { spec, queueMs, clipMs, heldUntil, failure }: RunOptions): Promise<void> {
    const { signal } = entry.controller;
    try {
      await sleep(queueMs, undefined, { signal, ref: false });
      this.apply(entry, { type: 'start' });
      const limited = AbortSignal.any([signal, AbortSignal.timeout(RENDER_TIMEOUT_MS)]);
      const [file] = await Promise.all([
        failure === undefined ? this.cache.get(spec, entry.prediction.id, limited) : undefined,
        sleep(clipMs, undefined, { signal, ref: false }),
        heldUntil === undefined ? undefined : aborted(AbortSignal.any([heldUntil, signal])),
      ]);
      if (file === undefined) {
        this.apply(entry, { type: 'fail', failure: failure ?? { kind: 'other', text: 'no clip was rendered' } });
        return;
      }
      if (signal.aborted) return;
      entry.file = file;
      if (entry.prediction.outputForm === 'data')
        entry.prediction = { ...entry.prediction, dataUrl: dataUrlOf(await readFile(file)) };
      this.apply(entry, { type: 'succeed' });
    } catch (cause) {
      if (signal.aborted) return;
      const text = cause instanceof Error ? cause.message : String(cause);
      this.apply(entry, { type: 'fail', failure: { kind: 'other', text } });
    }
  }

  private apply(entry: Entry, event: PredictionEvent): void {
    const before = entry.prediction;
    entry.prediction = advance(before, event, Date.now());
    if (entry.prediction === before) return;
    const hasEnded = isFinal(entry.prediction.status);
    this.track(entry.report(entry.prediction, hasEnded ? 'completed' : 'start', this.closing.signal));
    if (hasEnded) entry.controller.abort();
  }

  private track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.work.delete(tracked));
    this.work.add(tracked);
  }
}
