import { type MessageBody, type Outgoing } from '@clipmesh/contracts';
import { trace } from '@opentelemetry/api';
import { type FaultCounter } from './faults.js';
import { type InboxOptions } from './inbox.decorator.js';
import { type Outcome, type RetryPolicy, settle, type Settlement, type Tries } from './settlement.js';

/** What the broker can be told about a delivery. */
export interface Settling {
  ack(): void;
  nak(delayMs: number): void;
  term(): void;
  /** Keeps the message with the dead letters. */
  bury(error: unknown): Promise<void>;
}

export interface SettleParts {
  /** Resolves when the broker has stored everything. */
  readonly publish: (outgoing: readonly Outgoing[]) => Promise<unknown>;
  readonly faults: FaultCounter;
  readonly logger: {
    warn(fields: object, text: string): void;
    error(fields: object, text: string): void;
  };
}

/** One handled delivery. */
export interface Handled {
  readonly id: string;
  readonly name: string;
  readonly body: MessageBody;
  readonly tries: Tries;
  readonly outcome: Outcome;
  readonly outgoing: readonly Outgoing[];
  readonly command?: Pick<InboxOptions<MessageBody>, 'failed' | 'retried'> | undefined;
}

/**
 * Effect, then announcement, then acknowledgement: what a handler returned, or what is told of its failure, is stored at
 * the broker before the delivery is settled. Throws when that cannot be stored; the delivery then comes again.
 */
export async function settleDelivery(
  { publish, faults, logger }: SettleParts,
  { id, name, body, tries, outcome, outgoing, command }: Handled,
  policy: RetryPolicy,
  random: number,
  broker: Settling,
): Promise<Settlement['kind']> {
  const settlement = settle(outcome, tries, policy, random);
  const error = 'error' in outcome ? outcome.error : undefined;
  const { generationId } = body;
  const { scene } = body as { scene?: number };
  switch (settlement.kind) {
    case 'ack':
      await publish(outgoing);
      broker.ack();
      break;
    case 'nak': {
      const { delayMs } = settlement;
      if (settlement.fault === 'postponed') await faults.add(id, 'postponed');
      else if (settlement.fault !== 'none') {
        const { faults: fault } = await faults.add(id, settlement.fault);
        trace
          .getActiveSpan()
          ?.addEvent('clipmesh.retry', { 'clipmesh.retry.fault': fault, 'clipmesh.retry.delay_ms': delayMs });
        logger.warn(
          { err: error, generationId, scene, message: name, fault, delayMs },
          'the try failed; it will be repeated',
        );
        await publish(command?.retried?.(body, { error, messageId: id, fault, delayMs }) ?? []);
      }
      broker.nak(delayMs);
      break;
    }
    case 'give-up':
      logger.error(
        { err: error, generationId, scene, message: name, attempt: tries.attempt },
        'the message was given up',
      );
      await publish(command?.failed(body, { error }) ?? []);
      await broker.bury(error);
      broker.term();
  }
  return settlement.kind;
}
