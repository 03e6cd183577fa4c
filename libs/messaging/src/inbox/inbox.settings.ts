import { type Outgoing } from '@clipmesh/contracts';
import { type Log } from '@clipmesh/tracing';
import { type JetStreamClient } from '@nats-io/jetstream';
import { type Publish } from '../broker/publisher.js';
import { type Cancellations } from '../signals/cancellations.js';
import { type HandlerContext } from './inbox.decorator.js';
import { type RetryCounter } from './retry.counter.js';
import { type RetryPolicy } from './settlement.js';

export interface InboxSettings {
  /** Maximum number of messages that this replica handles at once. */
  readonly concurrency: number;
  readonly retry: RetryPolicy;
  /** Timeout of a handler, ms. */
  readonly handlerTimeoutMs: number;
  /** Interval of progress acks, ms. Must be well below the ack wait. */
  readonly heartbeatMs: number;
  /** Time that running handlers may take at shutdown, ms. Then their messages are nak'ed. */
  readonly drainMs: number;
  /** True: at shutdown, pending messages are handled first, within the drain time. Default: false. */
  readonly drainFirst?: boolean;
}

export interface RunnerDeps {
  readonly js: JetStreamClient;
  readonly publish: Publish;
  readonly cancellations: Cancellations;
  readonly retries: RetryCounter;
  readonly workerId: string;
  readonly logger: Log;
  /** Creates the inbox at the broker if it is missing. */
  readonly restore: () => Promise<void>;
}

export type Handler = (argument: unknown, context: HandlerContext) => Promise<readonly Outgoing[]>;
