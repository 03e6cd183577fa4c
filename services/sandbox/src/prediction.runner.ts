import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClipCache, type ClipSpec } from './clip.cache.js';
import { dataUrlOf } from './output.forms.js';
import { advance, isOver, present, type Prediction, type PredictionEvent } from './prediction.lifecycle.js';
import { sendWebhook } from './webhook.sender.js';

/** A render that takes longer is given up, and the prediction fails. */
const RENDER_TIMEOUT_MS = 10 * 60_000;
/** A time limit longer than this cannot be set on a timer, and is none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Course {
  readonly spec: ClipSpec;
  readonly queueMs: number;
  readonly clipMs: number;
  /** The prediction does not end before this aborts. */
  readonly heldUntil?: AbortSignal;
  /** Why the prediction is to fail; absent: it succeeds. */
  readonly error?: string;
  /** Whether it fails because its output is refused. */
  readonly outputRefused?: boolean;
  readonly cancelAfterMs?: number;
}

interface Entry {
  prediction: Prediction;
  file?: string;
  readonly controller: AbortController;
  readonly over: Promise<void>;
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

/** Runs predictions, in memory. */
export class PredictionRunner {
  private readonly entries = new Map<string, Entry>();
  private readonly work = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();

  constructor(
    private readonly cache: ClipCache,
    private readonly url: string,
    private readonly webhookSecret: string,
  ) {}

  /** Oldest first. */
  list(): Prediction[] {
    return [...this.entries.values()].map(({ prediction }) => prediction);
  }

  find(id: string): Prediction | undefined {
    return this.entries.get(id)?.prediction;
  }

  /** The clip of a succeeded prediction. */
  fileOf(id: string): string | undefined {
    return this.entries.get(id)?.file;
  }

  start(prediction: Prediction, course: Course): void {
    const controller = new AbortController();
    let ended = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const entry: Entry = { prediction, controller, over };
    this.entries.set(prediction.id, entry);
    controller.signal.addEventListener('abort', ended, { once: true });
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

  /** Ends a prediction and its render; one that is over stays as it is. */
  cancel(id: string): Prediction | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.apply(entry, { type: 'cancel' });
    return entry.prediction;
  }

  /** Resolves when the prediction is over, or after `ms`. */
  async waitFor(id: string, ms: number): Promise<void> {
    const entry = this.entries.get(id);
    if (entry === undefined || isOver(entry.prediction.status)) return;
    const timer = new AbortController();
    const signal = AbortSignal.any([timer.signal, this.closing.signal]);
    await Promise.race([entry.over, sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)]);
    timer.abort();
  }

  /** Aborts every render and webhook and waits until they are gone, at most `ms`. */
  async close(ms: number): Promise<void> {
    this.closing.abort();
    for (const entry of this.entries.values()) entry.controller.abort();
    await Promise.race([Promise.allSettled(this.work), sleep(ms, undefined, { ref: false })]);
  }

  private async run(entry: Entry, { spec, queueMs, clipMs, heldUntil, error, outputRefused }: Course): Promise<void> {
    const { signal } = entry.controller;
    try {
      await sleep(queueMs, undefined, { signal, ref: false });
      this.apply(entry, { type: 'start' });
      const limited = AbortSignal.any([signal, AbortSignal.timeout(RENDER_TIMEOUT_MS)]);
      const [file] = await Promise.all([
        error === undefined ? this.cache.get(spec, entry.prediction.id, limited) : undefined,
        sleep(clipMs, undefined, { signal, ref: false }),
        heldUntil === undefined ? undefined : aborted(AbortSignal.any([heldUntil, signal])),
      ]);
      if (file === undefined) {
        this.apply(entry, {
          type: 'fail',
          error: error ?? 'no clip was made',
          ...(outputRefused === true ? { outputRefused } : {}),
        });
        return;
      }
      if (signal.aborted) return;
      entry.file = file;
      if (entry.prediction.outputForm === 'data')
        entry.prediction = { ...entry.prediction, dataUrl: dataUrlOf(await readFile(file)) };
      this.apply(entry, { type: 'succeed' });
    } catch (cause) {
      if (signal.aborted) return;
      this.apply(entry, { type: 'fail', error: cause instanceof Error ? cause.message : String(cause) });
    }
  }

  private apply(entry: Entry, event: PredictionEvent): void {
    const before = entry.prediction;
    entry.prediction = advance(before, event, Date.now());
    if (entry.prediction === before) return;
    const over = isOver(entry.prediction.status);
    this.announce(entry.prediction, over ? 'completed' : 'start');
    if (over) entry.controller.abort();
  }

  private announce(prediction: Prediction, event: 'start' | 'completed'): void {
    const { webhook, webhookEvents } = prediction;
    if (webhook === undefined || !webhookEvents.includes(event)) return;
    const body = JSON.stringify(present(prediction, this.url));
    this.track(sendWebhook(webhook, `msg_${randomUUID()}`, body, this.webhookSecret, this.closing.signal));
  }

  private track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.work.delete(tracked));
    this.work.add(tracked);
  }
}
