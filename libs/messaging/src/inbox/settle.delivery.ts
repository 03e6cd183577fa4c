import { failureKind, type MessageBody, type Outgoing } from '@clipmesh/contracts';
import { failSpan, type Log } from '@clipmesh/tracing';
import { trace } from '@opentelemetry/api';
import { type RetryCounter } from './retry.counter.js';
import { type InboxOptions } from './inbox.decorator.js';
import { backoffMs } from '../timing/backoff.js';
import { type Outcome, type RetryPolicy, settle, type Settlement, type DeliveryHistory } from './settlement.js';

/** Settles a delivery at the broker. */
export interface BrokerSettlement {
  ack(): void;
  nak(delayMs: number): void;
  term(): void;
  /** Stores the dead letter of the message. */
  deadLetter(error: unknown): Promise<void>;
}

export interface SettleDeps {
  /** Resolves when the broker has stored all messages. */
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
  readonly retries: RetryCounter;
  readonly logger: Pick<Log, 'warn' | 'error'>;
}

/** A delivery after its handler ended. */
export interface HandledDelivery {
  readonly id: string;
  readonly name: string;
  readonly body: MessageBody;
  readonly history: DeliveryHistory;
  readonly outcome: Outcome;
  readonly outgoing: readonly Outgoing[];
  readonly command?: Pick<InboxOptions<MessageBody>, 'failed' | 'retried'> | undefined;
}

/**
 * Settles a delivery: the broker stores the returned messages, or the failure event, before the ack. A failed publish or dead
 * letter, such as on a full stream, uses no try: the delivery is nak'ed with the back-off of the policy. Throws if the retry
 * cannot be recorded; the broker then redelivers after the ack wait.
 */
export async function settleDelivery(
  deps: SettleDeps,
  handled: HandledDelivery,
  policy: RetryPolicy,
  random: number,
  broker: BrokerSettlement,
): Promise<Settlement['kind']> {
  const { retries, logger } = deps;
  const { id, name, body, history, outcome } = handled;
  const settlement = settle(outcome, history, policy, random);
  const error = 'error' in outcome ? outcome.error : undefined;
  const isRetry = settlement.kind === 'nak' && settlement.retry !== 'none';
  const failures = isRetry ? (await retries.add(id, settlement.retry)).faults : 0;
  try {
    await publishAll(deps, handled, settlement, failures, broker);
  } catch (cause) {
    const span = trace.getActiveSpan();
    if (span !== undefined) failSpan(span, cause);
    const { generationId } = body;
    logger.warn({ err: cause, generationId, message: name }, 'publishing failed; the message will be redelivered');
    // A failure is counted above. A poison message must stay over its delivery limit.
    const isPoison = error !== undefined && failureKind(error).code === 'REDELIVERED_TOO_OFTEN';
    if (settlement.kind !== 'nak' && !isPoison) await retries.add(id, 'spared');
    broker.nak(settlement.kind === 'nak' ? settlement.delayMs : backoffMs(policy, history.failures + 1, random));
    return 'nak';
  }
  if (settlement.kind === 'ack') broker.ack();
  else if (settlement.kind === 'nak') broker.nak(settlement.delayMs);
  else broker.term();
  return settlement.kind;
}

/** Publishes the messages of a settlement, and stores the dead letter of a message that is given up. */
async function publishAll(
  { publish, logger }: SettleDeps,
  { id, name, body, history, outcome, outgoing, command }: HandledDelivery,
  settlement: Settlement,
  failures: number,
  broker: Pick<BrokerSettlement, 'deadLetter'>,
): Promise<void> {
  const error = 'error' in outcome ? outcome.error : undefined;
  const { generationId } = body;
  const { scene } = body as { scene?: number };
  switch (settlement.kind) {
    case 'ack':
      await publish(outgoing);
      break;
    case 'nak': {
      const { delayMs } = settlement;
      if (settlement.retry === 'none' || settlement.retry === 'postponed') return;
      const attributes = { 'clipmesh.retry.fault': failures, 'clipmesh.retry.delay_ms': delayMs };
      trace.getActiveSpan()?.addEvent('clipmesh.retry', attributes);
      logger.warn({ err: error, generationId, scene, message: name, failures, delayMs }, 'the try failed; retrying');
      await publish(command?.retried?.(body, { error, messageId: id, fault: failures, delayMs }) ?? []);
      break;
    }
    case 'give-up':
      logger.error(
        { err: error, generationId, scene, message: name, tries: history.tries },
        'the message was given up',
      );
      await publish(command?.failed(body, { error }) ?? []);
      await broker.deadLetter(error);
  }
}
