import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError, encodeMessage, INBOXES, type Outgoing } from '@clipmesh/contracts';
import { ATTR, currentTraceparent, failSpan, untraced } from '@clipmesh/tracing';
import { type Consumer, type JsMsg } from '@nats-io/jetstream';
import { context, propagation, type Span, SpanKind, trace } from '@opentelemetry/api';
import { headerGetter } from '../broker/header.carrier.js';
import { deadLetter } from './dead.letters.js';
import { type Delivery, nameOf, readDelivery } from './delivery.js';
import { ageMs, MAX_DELIVERIES, outcomeOf, poisoned, type StopReason } from './handler.outcome.js';
import { type Binding } from './inbox.decorator.js';
import { type Handler, type InboxSettings, type RunnerDeps } from './inbox.settings.js';
import { NO_RETRIES } from './retry.counter.js';
import { settleDelivery } from './settle.delivery.js';
import { type DeliveryHistory, isLastTry, type Outcome } from './settlement.js';

/** Expiry of one pull request, ms. */
const PULL_MS = 10_000;
/**
 * Idle heartbeat of a pull, ms. A pull fails after three missed heartbeats, for example because its inbox is missing; the
 * runner then creates the inbox again.
 */
const PULL_HEARTBEAT_MS = 2000;

/** Time that an aborted handler has to return, ms. */
const ABORT_GRACE_MS = 10_000;
/** The same at shutdown, ms. */
const SHUTDOWN_GRACE_MS = 2_000;
/** Poll interval while the inbox is drained, ms. */
const DRAIN_POLL_MS = 20;
/** Pause after a failed pull, ms. */
const RECOVERY_MS = 500;

/** Handles the messages of one inbox, `concurrency` at a time, and settles each. */
export class InboxRunner {
  private readonly closing = new AbortController();
  private readonly running = new Set<(stop: StopReason) => void>();
  private slots: Promise<void>[] = [];
  private isReturning = false;

  constructor(
    private readonly deps: RunnerDeps,
    private readonly binding: Binding,
    private readonly settings: InboxSettings,
    private readonly handler: Handler,
  ) {}

  start(): void {
    // Each slot adds a listener while it pulls.
    setMaxListeners(0, this.closing.signal);
    this.slots = Array.from({ length: this.settings.concurrency }, () => this.slot());
  }

  /** Stops pulling, waits for running handlers within the drain time, and naks the rest. */
  async close(): Promise<void> {
    if (this.settings.drainFirst === true) await this.drained();
    this.closing.abort();
    const timer = setTimeout(() => {
      this.isReturning = true;
      for (const stop of this.running) stop('shutdown');
    }, this.settings.drainMs);
    await Promise.all(this.slots);
    clearTimeout(timer);
  }

  /** Resolves when no message is pending, after the drain time, or if the broker does not answer. */
  private async drained(): Promise<void> {
    const { stream, durable } = INBOXES[this.binding.inbox];
    const deadlineMs = Date.now() + this.settings.drainMs;
    try {
      const consumer = await this.deps.js.consumers.get(stream, durable);
      while (Date.now() < deadlineMs && (await consumer.info()).num_pending > 0) await delay(DRAIN_POLL_MS);
    } catch (error) {
      this.deps.logger.warn(
        { err: error, inbox: this.binding.inbox },
        'could not drain the inbox; other replicas handle its messages',
      );
    }
  }

  /** Events are facts, so they are handled for canceled generations too. */
  private stopsOnCancel(): boolean {
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
        const consumer = await this.deps.js.consumers.get(stream, durable);
        while (!this.closed()) {
          const message = await this.pull(consumer);
          if (message === null) continue;
          if (this.closed()) message.nak();
          else await this.handle(message);
        }
      } catch (error) {
        if (this.closed()) return;
        this.deps.logger.warn({ err: error, inbox: this.binding.inbox }, 'could not read the inbox; retrying');
        await delay(RECOVERY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
        await this.deps.restore().catch(() => undefined);
      }
    }
  }

  /**
   * One message, or null after {@link PULL_MS}. Closing ends the pull: the broker would answer an open one with a message that
   * this replica has just nak'ed.
   */
  private async pull(consumer: Consumer): Promise<JsMsg | null> {
    const messages = await consumer.fetch({ max_messages: 1, expires: PULL_MS, idle_heartbeat: PULL_HEARTBEAT_MS });
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

  /** Must not throw: the slot would be lost. */
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
          [ATTR.workerId]: this.deps.workerId,
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
        this.deps.logger.error({ err: error, message: name }, 'could not settle the message; the broker redelivers it');
      } finally {
        span.end();
      }
    });
  }

  private async process(message: JsMsg, span: Span): Promise<void> {
    const { retries, cancellations, publish, js, logger } = this.deps;
    let delivery: Delivery | undefined;
    try {
      delivery = readDelivery(message, this.binding);
    } catch (error) {
      logger.error({ err: error, subject: message.subject }, 'invalid message; moved to the dead letters');
      failSpan(span, error);
      await deadLetter(js, message, nameOf(message.subject, this.binding), error);
      message.term();
      return;
    }
    const command = this.binding.options;
    if (delivery === undefined || (this.stopsOnCancel() && cancellations.isCanceled(delivery.body.generationId))) {
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
    const counts = message.info.deliveryCount > 1 ? await retries.count(delivery.id) : NO_RETRIES;
    const history = (): DeliveryHistory => ({
      ...{ tries: counts.counted + 1, failures: counts.faults, postponed: counts.postponed },
      ageMs: ageMs(message),
    });
    const unsettled = message.info.deliveryCount - counts.faults - counts.postponed;
    const { outcome, outgoing } =
      unsettled > MAX_DELIVERIES
        ? { outcome: poisoned(unsettled), outgoing: [] }
        : await this.run(message, delivery, history, span);
    if (outcome.kind === 'failed') failSpan(span, outcome.error);
    const kind = await settleDelivery(
      { publish, retries, logger },
      {
        ...delivery,
        history: history(),
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
    history: () => DeliveryHistory,
    span: Span,
  ): Promise<{ outcome: Outcome; outgoing: readonly Outgoing[] }> {
    const { cancellations } = this.deps;
    const { generationId } = delivery.body;
    const stopsOnCancel = this.stopsOnCancel();
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
      if (stopsOnCancel && cancellations.isCanceled(generationId)) stop('canceled');
    }, this.settings.heartbeatMs);
    const timeout = setTimeout(() => {
      stop('timeout');
    }, this.settings.handlerTimeoutMs);
    const unlisten = stopsOnCancel
      ? cancellations.onCanceled(generationId, () => {
          stop('canceled');
        })
      : () => undefined;
    const graceOver = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => {
        setTimeout(
          () => {
            reject(abort.signal.reason as Error);
          },
          stopped === 'shutdown' ? SHUTDOWN_GRACE_MS : ABORT_GRACE_MS,
        ).unref();
      });
    });
    graceOver.catch(() => undefined);
    try {
      // A message that arrives after the drain time is nak'ed without handling.
      if (this.isReturning) return { outcome: { kind: 'shutdown' }, outgoing: [] };
      const outgoing = await Promise.race([
        this.handler(delivery.argument, {
          signal: abort.signal,
          messageId: delivery.id,
          tries: history().tries,
          isLastTry: (error) => isLastTry(error, history(), this.settings.retry),
          traceparent: currentTraceparent() ?? '',
        }),
        graceOver,
      ]);
      // An invalid outgoing message stays invalid after a redelivery, so it is a failure of the handler.
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
