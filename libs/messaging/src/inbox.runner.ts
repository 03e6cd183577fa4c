import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError, encodeMessage, INBOXES, type Outgoing } from '@clipmesh/contracts';
import { ATTR, currentTraceparent, failSpan, untraced } from '@clipmesh/tracing';
import { type Consumer, type JetStreamClient, type JsMsg } from '@nats-io/jetstream';
import { context, propagation, type Span, SpanKind, trace } from '@opentelemetry/api';
import { type Cancellations } from './cancellations.js';
import { deadLetter } from './dead-letters.js';
import { type Delivery, nameOf, readDelivery } from './delivery.js';
import { type RetryCounter, NO_RETRIES } from './faults.js';
import { headerGetter } from './header.carrier.js';
import { type Binding, type HandlerContext } from './inbox.decorator.js';
import { Postponed } from './postponed.js';
import { type Publish } from './publisher.js';
import { settleDelivery } from './settle.delivery.js';
import { isLastTry, type Outcome, type RetryPolicy, type DeliveryHistory } from './settlement.js';

export interface InboxSettings {
  /** Messages handled at once by this replica. */
  readonly concurrency: number;
  readonly retry: RetryPolicy;
  /** A handler is aborted after this long, ms. */
  readonly handlerTimeoutMs: number;
  /** Time between two signs of life, ms; well below the ack wait. */
  readonly heartbeatMs: number;
  /** At shutdown running handlers may go on this long, ms; then they are handed back. */
  readonly drainMs: number;
  /** At shutdown what waits in the inbox by then is handled first, within the drain time. */
  readonly drainFirst?: boolean;
}

export interface RunnerLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface RunnerDeps {
  readonly js: JetStreamClient;
  readonly publish: Publish;
  readonly cancellations: Cancellations;
  readonly retries: RetryCounter;
  readonly workerId: string;
  readonly logger: RunnerLog;
  /** Makes sure that the inbox exists at the broker. */
  readonly restore: () => Promise<void>;
}

export type Handler = (argument: unknown, context: HandlerContext) => Promise<readonly Outgoing[]>;

/** One pull waits this long at the broker before it is renewed, ms. */
const PULL_MS = 10_000;
/**
 * The broker gives a sign this often while a pull waits, ms; a pull that misses three, because its inbox was gone when it went
 * out, fails, and the inbox is made again.
 */
const PULL_SIGN_MS = 2000;
/** A message that was delivered this often without a recorded fault is given up: handling it seems to end the process. */
const MAX_DELIVERIES = 50;
/** An aborted handler has this long to come back, ms. */
const ABORT_GRACE_MS = 10_000;
/** At shutdown it has less: whoever stops the service does not wait for ever, ms. */
const SHUTDOWN_GRACE_MS = 2_000;
/** Pause between two looks at an inbox that is to be emptied, ms. */
const EMPTY_LOOK_MS = 20;
/** Pause after the broker refused a pull, ms. */
const RECOVERY_MS = 500;

type StopReason = 'canceled' | 'timeout' | 'shutdown';

/** Takes messages from one inbox, `concurrency` at a time, and settles each. */
export class InboxRunner {
  private readonly closing = new AbortController();
  private readonly running = new Set<(stop: StopReason) => void>();
  private slots: Promise<void>[] = [];
  private handsBack = false;

  constructor(
    private readonly parts: RunnerDeps,
    private readonly binding: Binding,
    private readonly settings: InboxSettings,
    private readonly handler: Handler,
  ) {}

  start(): void {
    // Every slot listens to it while it pulls.
    setMaxListeners(0, this.closing.signal);
    this.slots = Array.from({ length: this.settings.concurrency }, () => this.slot());
  }

  /** Stops pulling, lets running handlers finish within the drain time, hands the rest back. */
  async close(): Promise<void> {
    if (this.settings.drainFirst === true) await this.emptied();
    this.closing.abort();
    const timer = setTimeout(() => {
      this.handsBack = true;
      for (const stop of this.running) stop('shutdown');
    }, this.settings.drainMs);
    await Promise.all(this.slots);
    clearTimeout(timer);
  }

  /** Until no message waits, or the drain time is over, or the broker cannot be asked. */
  private async emptied(): Promise<void> {
    const { stream, durable } = INBOXES[this.binding.inbox];
    const deadlineMs = Date.now() + this.settings.drainMs;
    try {
      const consumer = await this.parts.js.consumers.get(stream, durable);
      while (Date.now() < deadlineMs && (await consumer.info()).num_pending > 0) await delay(EMPTY_LOOK_MS);
    } catch (error) {
      this.parts.logger.warn({ err: error, inbox: this.binding.inbox }, 'what waits in the inbox is left to others');
    }
  }

  /** Events are facts: they are handled whatever became of the generation. */
  private heedsCancel(): boolean {
    const { options } = this.binding;
    return options !== undefined && options.runsWhenCanceled !== true;
  }

  private closed(): boolean {
    return this.closing.signal.aborted;
  }

  private async slot(): Promise<void> {
    const { stream, durable } = INBOXES[this.binding.inbox];
    while (!this.closed()) {
      try {
        const consumer = await this.parts.js.consumers.get(stream, durable);
        while (!this.closed()) {
          const message = await this.pull(consumer);
          if (message === null) continue;
          if (this.closed()) message.nak();
          else await this.handle(message);
        }
      } catch (error) {
        if (this.closed()) return;
        this.parts.logger.warn({ err: error, inbox: this.binding.inbox }, 'the inbox could not be read; trying again');
        await delay(RECOVERY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
        await this.parts.restore().catch(() => undefined);
      }
    }
  }

  /**
   * One message, or null after a while. A pull ends when the inbox closes: the broker would answer one that is left open
   * with the very message that this replica hands back a moment later.
   */
  private async pull(consumer: Consumer): Promise<JsMsg | null> {
    const messages = await consumer.fetch({ max_messages: 1, expires: PULL_MS, idle_heartbeat: PULL_SIGN_MS });
    const stop = (): void => {
      messages.stop();
    };
    this.closing.signal.addEventListener('abort', stop, { once: true });
    if (this.closed()) stop();
    try {
      for await (const message of messages) return message;
      return null;
    } finally {
      this.closing.signal.removeEventListener('abort', stop);
    }
  }

  /** From here to the settlement nothing may throw: the slot would be lost. */
  private async handle(message: JsMsg): Promise<void> {
    const sent = propagation.extract(context.active(), message.headers, headerGetter);
    const parent = this.binding.untraced === true ? untraced(sent) : sent;
    const name = nameOf(message.subject, this.binding);
    const enqueuedAtMs = message.info.timestampNanos / 1e6;
    const span = trace.getTracer('clipmesh.messaging').startSpan(
      `process ${name}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          'messaging.system': 'nats',
          'messaging.operation.type': 'process',
          'messaging.destination.name': name,
          'messaging.consumer.group.name': INBOXES[this.binding.inbox].durable,
          [ATTR.workerId]: this.parts.workerId,
          [ATTR.poolSize]: this.settings.concurrency,
          [ATTR.enqueuedAtMs]: enqueuedAtMs,
          [ATTR.queueWaitMs]: Math.max(0, Date.now() - enqueuedAtMs),
          ...(this.binding.options?.stage === undefined ? {} : { [ATTR.stage]: this.binding.options.stage }),
        },
      },
      parent,
    );
    await context.with(trace.setSpan(parent, span), async () => {
      try {
        await this.process(message, span);
      } catch (error) {
        failSpan(span, error);
        this.parts.logger.error(
          { err: error, message: name },
          'the message could not be settled; it will be delivered again',
        );
      } finally {
        span.end();
      }
    });
  }

  private async process(message: JsMsg, span: Span): Promise<void> {
    const { retries: faults, cancellations, publish, js, logger } = this.parts;
    let delivery: Delivery | undefined;
    try {
      delivery = readDelivery(message, this.binding);
    } catch (error) {
      logger.error({ err: error, subject: message.subject }, 'unreadable message put with the dead letters');
      failSpan(span, error);
      await deadLetter(js, message, nameOf(message.subject, this.binding), error);
      message.term();
      return;
    }
    const command = this.binding.options;
    if (delivery === undefined || (this.heedsCancel() && cancellations.isCanceled(delivery.body.generationId))) {
      span.setAttribute(ATTR.settlement, 'ack');
      message.ack();
      return;
    }
    const { generationId } = delivery.body;
    const { scene, attempt: step } = delivery.body as { scene?: number; attempt?: number };
    span.setAttributes({
      [ATTR.generationId]: generationId,
      'messaging.message.id': delivery.id,
      ...(scene === undefined ? {} : { [ATTR.scene]: scene }),
      ...(step === undefined ? {} : { [ATTR.step]: step }),
    });
    const tally = message.info.deliveryCount > 1 ? await faults.count(delivery.id) : NO_RETRIES;
    const tries = (): DeliveryHistory => ({
      ...{ tries: tally.counted + 1, failures: tally.faults, postponed: tally.postponed },
      ageMs: ageMs(message),
    });
    const unanswered = message.info.deliveryCount - tally.faults - tally.postponed;
    const { outcome, outgoing } =
      unanswered > MAX_DELIVERIES
        ? { outcome: poisoned(unanswered), outgoing: [] }
        : await this.run(message, delivery, tries, span);
    if (outcome.kind === 'failed') failSpan(span, outcome.error);
    const kind = await settleDelivery(
      { publish, retries: faults, logger },
      {
        ...delivery,
        tries: tries(),
        ...{ outcome, outgoing, command },
      },
      this.settings.retry,
      Math.random(),
      {
        ack: () => {
          message.ack();
        },
        nak: (delayMs) => {
          message.nak(delayMs);
        },
        term: () => {
          message.term();
        },
        deadLetter: (error) => deadLetter(js, message, delivery.name, error),
      },
    );
    span.setAttribute(ATTR.settlement, kind === 'give-up' ? 'term' : kind);
  }

  private async run(
    message: JsMsg,
    delivery: Delivery,
    tries: () => DeliveryHistory,
    span: Span,
  ): Promise<{ outcome: Outcome; outgoing: readonly Outgoing[] }> {
    const { cancellations } = this.parts;
    const { generationId } = delivery.body;
    const heedsCancel = this.heedsCancel();
    const abort = new AbortController();
    let stopped: StopReason | undefined;
    const stop = (why: StopReason): void => {
      if (stopped !== undefined) return;
      stopped = why;
      span.addEvent('clipmesh.stopped', { 'clipmesh.stop.reason': why });
      abort.abort(new ClipmeshError(why === 'timeout' ? 'TIMEOUT' : 'CANCELED', `handling stopped: ${why}`));
    };
    this.running.add(stop);
    const heartbeat = setInterval(() => {
      message.working();
      if (heedsCancel && cancellations.isCanceled(generationId)) stop('canceled');
    }, this.settings.heartbeatMs);
    const timeout = setTimeout(() => {
      stop('timeout');
    }, this.settings.handlerTimeoutMs);
    const unlisten = heedsCancel
      ? cancellations.onCanceled(generationId, () => {
          stop('canceled');
        })
      : () => undefined;
    const overdue = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => {
        setTimeout(
          () => {
            reject(abort.signal.reason as Error);
          },
          stopped === 'shutdown' ? SHUTDOWN_GRACE_MS : ABORT_GRACE_MS,
        ).unref();
      });
    });
    overdue.catch(() => undefined);
    try {
      // A message that came in while the drain time ended is handed back untouched.
      if (this.handsBack) return { outcome: { kind: 'shutdown' }, outgoing: [] };
      const outgoing = await Promise.race([
        this.handler(delivery.argument, {
          signal: abort.signal,
          messageId: delivery.id,
          tries: tries().tries,
          isLastTry: (error) => isLastTry(error, tries(), this.settings.retry),
          traceparent: currentTraceparent() ?? '',
        }),
        overdue,
      ]);
      // What breaks its own schema would break it again after each redelivery: a failure of the handler, told at once.
      outgoing.forEach(encodeMessage);
      return { outcome: { kind: 'returned' }, outgoing };
    } catch (error) {
      return { outcome: outcomeOf(stopped, error), outgoing: [] };
    } finally {
      clearInterval(heartbeat);
      clearTimeout(timeout);
      unlisten();
      this.running.delete(stop);
    }
  }
}

/** Time since the broker stored the message, ms; by the clocks of both. */
function ageMs(message: JsMsg): number {
  return Math.max(0, Date.now() - message.info.timestampNanos / 1e6);
}

function poisoned(deliveries: number): Outcome {
  const error = new ClipmeshError(
    'REDELIVERED_TOO_OFTEN',
    `delivered ${deliveries} times without an answer; handling it seems to end the process`,
  );
  return { kind: 'failed', error };
}

function outcomeOf(stopped: StopReason | undefined, error: unknown): Outcome {
  if (stopped === 'canceled' || stopped === 'shutdown') return { kind: stopped };
  if (stopped === 'timeout')
    return {
      kind: 'failed',
      error: new ClipmeshError('TIMEOUT', 'the work did not end within its deadline', {
        cause: error,
        charges: error instanceof ClipmeshError ? error.charges : [],
      }),
    };
  if (error instanceof Postponed) return { kind: 'postponed', error };
  return { kind: 'failed', error };
}
