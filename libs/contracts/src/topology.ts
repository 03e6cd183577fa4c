import { COMMANDS, ClipGenerate, GenerationPlan, OverlayApply, StitchRender, WebhookDeliver } from './commands.js';
import { CancelRequested, GenerationSucceeded } from './events.js';
import { type MessageDefinition } from './message.js';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

/** A stream as it is provisioned by whichever service starts first. Times in ms. */
export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  /** `workqueue`: a message is gone once its one consumer has acked it. `limits`: kept until its age is over. */
  readonly retention: 'workqueue' | 'limits';
  /**
   * What a full stream does. `refuse`: a publish fails, and no message that waits for a consumer is discarded. `discard`:
   * the oldest messages make room.
   */
  readonly whenFull: 'refuse' | 'discard';
  /** The broker discards messages of this age. 0: none. */
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  /** Two messages of one id within this time are one message. */
  readonly duplicateWindowMs: number;
  readonly description: string;
}

const MB = 1024 * 1024;
/** Name of a command's stream: `clip.generate` lives on `CLIP_GENERATE`. */
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
    // The planner removes handled events after EVENTS_DAYS, and before when the stream is nearly full.
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

/** An actor's inbox: one durable pull consumer; the durable name is the queue group. */
export interface InboxSpec {
  readonly durable: string;
  readonly stream: string;
  readonly filterSubject: string;
  /** Most messages that are being handled or wait for their next try; 1,000 unless told. */
  readonly maxAckPending?: number;
}

const commandInbox = (durable: string, definition: Pick<MessageDefinition, 'name'>): InboxSpec => ({
  durable,
  stream: commandStream(definition),
  filterSubject: `${definition.name}.>`,
});

export const INBOXES = {
  planner: commandInbox('planner', GenerationPlan),
  'clip-generator': commandInbox('clip-generator', ClipGenerate),
  overlay: commandInbox('overlay', OverlayApply),
  stitcher: commandInbox('stitcher', StitchRender),
  director: { durable: 'director', stream: EVENTS_STREAM, filterSubject: 'events.>' },
  canceler: { durable: 'canceler', stream: EVENTS_STREAM, filterSubject: `events.*.${CancelRequested.name}` },
  reporter: {
    durable: 'reporter',
    stream: EVENTS_STREAM,
    filterSubject: `events.*.${GenerationSucceeded.name}`,
  },
  cost: { durable: 'cost', stream: EVENTS_STREAM, filterSubject: 'events.>' },
  notifier: { durable: 'notifier', stream: EVENTS_STREAM, filterSubject: 'events.*.generation.*' },
  // Endpoints that are down may leave many waiting for their next try: they must not keep the others from being told.
  webhooks: { ...commandInbox('webhooks', WebhookDeliver), maxAckPending: 100_000 },
} as const satisfies Record<string, InboxSpec>;
export type InboxName = keyof typeof INBOXES;

export const SERVICES = ['gateway', 'planner', 'clip-generator', 'overlay', 'stitcher', 'cost'] as const;
export type ServiceName = (typeof SERVICES)[number];
