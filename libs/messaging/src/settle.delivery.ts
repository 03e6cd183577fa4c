import { failureKind, type MessageBody, type Outgoing } from '@clipmesh/contracts';
import { failSpan } from '@clipmesh/tracing';
import { trace } from '@opentelemetry/api';
import { type RetryCounter } from './faults.js';
import { type InboxOptions } from './inbox.decorator.js';
import {
  backoffMs,
  type Outcome,
  type RetryPolicy,
  settle,
  type Settlement,
  type DeliveryHistory,
} from './settlement.js';

/** How the broker settles a delivery. */
export interface BrokerSettlement {
  ack(): void;
  nak(delayMs: number): void;
  term(): void;
  /** Stores the message with the dead letters. */
  deadLetter(error: unknown): Promise<void>;
}

export interface SettleDeps {
  /** Resolves when the broker has stored everything. */
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
  readonly retries: RetryCounter;
  readonly logger: {
    warn(fields: object, text: string): void;
    error(fields: object, text: string): void;
  };
}

/** One handled delivery. */
export interface HandledDelivery {
  readonly id: string;
  readonly name: string;
  readonly body: MessageBody;
  readonly tries: DeliveryHistory;
  readonly outcome: Outcome;
  readonly outgoing: readonly Outgoing[];
  readonly command?: Pick<InboxOptions<MessageBody>, 'failed' | 'retried'> | undefined;
}

/**
 * Effect, then publish, then ack: what a handler returned, or the event of its failure, is stored at the broker before the
 * delivery is settled. A publish or a dead letter that the broker refuses, such as one for a stream that is full, uses up no
 * try: the delivery is nak'ed with the pauses of the policy. Throws when that cannot be recorded; the delivery then comes
 * again after the ack wait.
 */
export async function settleDelivery(
  parts: SettleDeps,
  handled: HandledDelivery,
  policy: RetryPolicy,
  random: number,
  broker: BrokerSettlement,
): Promise<Settlement['kind']> {
  const { retries: faults, logger } = parts;
  const { id, name, body, tries, outcome } = handled;
  const settlement = settle(outcome, tries, policy, random);
  const error = 'error' in outcome ? outcome.error : undefined;
  const hasFault = settlement.kind === 'nak' && settlement.retry !== 'none';
  const fault = hasFault ? (await faults.add(id, settlement.retry)).faults : 0;
  try {
    await publishAll(parts, handled, settlement, fault, broker);
  } catch (cause) {
    const span = trace.getActiveSpan();
    if (span !== undefined) failSpan(span, cause);
    const { generationId } = body;
    logger.warn({ err: cause, generationId, message: name }, 'publishing failed; the message will be delivered again');
    // A failure is counted above. A message that ends its process must stay over its limit of unanswered deliveries.
    const isPoison = error !== undefined && failureKind(error).code === 'REDELIVERED_TOO_OFTEN';
    if (settlement.kind !== 'nak' && !isPoison) await faults.add(id, 'spared');
    broker.nak(settlement.kind === 'nak' ? settlement.delayMs : backoffMs(policy, tries.failures + 1, random));
    return 'nak';
  }
  if (settlement.kind === 'ack') broker.ack();
  else if (settlement.kind === 'nak') broker.nak(settlement.delayMs);
  else broker.term();
  return settlement.kind;
}

/** Publishes what the settlement asks for, and stores the dead letter of a message that is given up. */
async function publishAll(
  { publish, logger }: SettleDeps,
  { id, name, body, tries, outcome, outgoing, command }: HandledDelivery,
  settlement: Settlement,
  fault: number,
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
      const attributes = { 'clipmesh.retry.fault': fault, 'clipmesh.retry.delay_ms': delayMs };
      trace.getActiveSpan()?.addEvent('clipmesh.retry', attributes);
      logger.warn(
        { err: error, generationId, scene, message: name, fault, delayMs },
        'the try failed; it will be repeated',
      );
      await publish(command?.retried?.(body, { error, messageId: id, fault, delayMs }) ?? []);
      break;
    }
    case 'give-up':
      logger.error({ err: error, generationId, scene, message: name, tries: tries.tries }, 'the message was given up');
      await publish(command?.failed(body, { error }) ?? []);
      await broker.deadLetter(error);
  }
}
