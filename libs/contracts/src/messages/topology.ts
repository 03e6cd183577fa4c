import { COMMAND_INBOXES, type CommandInboxName } from '../services.js';
import { COMMANDS } from './commands.js';
import { CancelRequested, GenerationSucceeded } from './events.js';
import { type MessageDefinition } from './message.js';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

/** Configuration of a stream. The service that starts first creates it. Times in ms. */
export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  /** `workqueue`: a message is removed when its consumer acks it. `limits`: a message is kept up to its maximum age. */
  readonly retention: 'workqueue' | 'limits';
  /**
   * What a full stream does. `refuse`: publishing fails, and no pending message is lost. `discard`: the stream drops the
   * oldest messages.
   */
  readonly whenFull: 'refuse' | 'discard';
  /** Age at which the broker discards messages. 0: never. */
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  /** The broker drops a message whose id it received within this time. */
  readonly duplicateWindowMs: number;
  readonly description: string;
}

const MB = 1024 * 1024;
/** Stream of a command: `CLIP_GENERATE` for `clip.generate`. */
export function commandStream(definition: Pick<MessageDefinition, 'name'>): string {
  return definition.name.replaceAll('.', '_').toUpperCase();
}

export const EVENTS_STREAM = 'EVENTS';
export const DEAD_LETTERS_STREAM = 'DEAD_LETTERS';
export const TRACES_STREAM = 'TRACES';

export const STREAMS: readonly StreamSpec[] = [
  ...COMMANDS.map((command): StreamSpec => ({
    name: commandStream(command),
    subjects: [`${command.name}.>`],
    retention: 'workqueue',
    whenFull: 'refuse',
    maxAgeMs: 0,
    maxBytes: 256 * MB,
    duplicateWindowMs: 10 * 60 * SECOND,
    description: `Commands ${command.name}, one work queue shared by all replicas.`,
  })),
  {
    name: EVENTS_STREAM,
    subjects: ['events.>'],
    retention: 'limits',
    whenFull: 'refuse',
    // The planner removes handled events after EVENTS_DAYS, and earlier if the stream is nearly full.
    maxAgeMs: 0,
    maxBytes: 512 * MB,
    duplicateWindowMs: 10 * 60 * SECOND,
    description: 'Everything that happened, per generation: the director, the cost service and SSE replay read it.',
  },
  {
    name: DEAD_LETTERS_STREAM,
    subjects: ['dead.>'],
    retention: 'limits',
    whenFull: 'discard',
    maxAgeMs: 30 * DAY,
    maxBytes: 256 * MB,
    duplicateWindowMs: 10 * 60 * SECOND,
    description: 'Messages that were given up, with the reason and the body.',
  },
  {
    name: TRACES_STREAM,
    subjects: ['traces.>'],
    retention: 'limits',
    whenFull: 'discard',
    maxAgeMs: 2 * DAY,
    maxBytes: 256 * MB,
    duplicateWindowMs: 2 * 60 * SECOND,
    description: 'Spans as OTLP JSON, one subject per trace.',
  },
];

/** The inbox of an actor: one durable pull consumer, shared by its replicas. */
export interface InboxSpec {
  readonly durable: string;
  readonly stream: string;
  readonly filterSubject: string;
  /** Maximum number of messages in handling or waiting for the next try. Default: 1000. */
  readonly maxAckPending?: number;
}

const commandInboxes = Object.fromEntries(
  COMMAND_INBOXES.map(({ inbox, command }): [string, InboxSpec] => [
    inbox,
    { durable: inbox, stream: commandStream({ name: command }), filterSubject: `${command}.>` },
  ]),
) as Record<CommandInboxName, InboxSpec>;

export const INBOXES = {
  ...commandInboxes,
  director: { durable: 'director', stream: EVENTS_STREAM, filterSubject: 'events.>' },
  canceler: { durable: 'canceler', stream: EVENTS_STREAM, filterSubject: `events.*.${CancelRequested.name}` },
  reporter: {
    durable: 'reporter',
    stream: EVENTS_STREAM,
    filterSubject: `events.*.${GenerationSucceeded.name}`,
  },
  cost: { durable: 'cost', stream: EVENTS_STREAM, filterSubject: 'events.>' },
  notifier: { durable: 'notifier', stream: EVENTS_STREAM, filterSubject: 'events.*.generation.*' },
  // Deliveries to unreachable endpoints wait for retries. They must not block deliveries to other endpoints.
  webhooks: { ...commandInboxes.webhooks, maxAckPending: 100_000 },
} as const satisfies Record<string, InboxSpec>;
export type InboxName = keyof typeof INBOXES;
