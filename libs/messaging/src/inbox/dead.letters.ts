import {
  ClipmeshError,
  COMMANDS,
  cutText,
  DEAD_LETTERS_STREAM,
  decodeMessage,
  EVENTS,
  failureCodeSchema,
  failureKind,
  GENERATION_ID,
  type MessageBody,
  type MessageDefinition,
  messageId,
  subjectOf,
  messageOf,
} from '@clipmesh/contracts';
import {
  DeliverPolicy,
  jetstream,
  type JetStreamClient,
  jetstreamManager,
  JetStreamApiCodes,
  JetStreamApiError,
  type JsMsg,
} from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { clearRetries } from './retry.counter.js';

const letterSchema = z.object({
  reason: z.object({ code: failureCodeSchema, message: z.string() }),
  subject: z.string(),
  headers: z.record(z.string(), z.string()),
  /** base64 */
  payload: z.base64(),
  /** True: the payload was too large and only its start is stored. The letter cannot be replayed. */
  truncated: z.boolean().default(false),
  deliveries: z.int().positive(),
  /** UTC */
  deadAt: z.iso.datetime(),
});

/** A message that was given up, with the reason and what a replay needs. */
export type DeadLetter = Readonly<z.infer<typeof letterSchema>>;

/** A dead letter in the stream. */
export interface StoredLetter extends DeadLetter {
  /** Sequence in the stream: the id of the letter for users. */
  readonly sequence: number;
}

/** The broker accepts 1 MB per message, including base64 overhead and the other fields. */
const PAYLOAD_BYTES = 512 * 1024;
const HEADER_CHARS = 16 * 1024;
const REASON_CHARS = 2000;
/** Timeout for reading the next letter, ms. */
const READ_MS = 5000;

function headersOf(message: JsMsg): Record<string, string> {
  const all = Object.fromEntries((message.headers?.keys() ?? []).map((key) => [key, message.headers?.get(key) ?? '']));
  return JSON.stringify(all).length > HEADER_CHARS ? {} : all;
}

/** Publishes the dead letter of a message to `dead.<generationId>.<message name>`. The broker drops repeats. */
export async function deadLetter(js: JetStreamClient, message: JsMsg, name: string, error: unknown): Promise<void> {
  const generationId = message.subject.split('.').find((token) => GENERATION_ID.test(token)) ?? 'unknown';
  const letter: DeadLetter = {
    reason: {
      code: failureKind(error).code,
      message: cutText(messageOf(error), REASON_CHARS),
    },
    subject: message.subject,
    headers: headersOf(message),
    payload: Buffer.from(message.data.subarray(0, PAYLOAD_BYTES)).toString('base64'),
    truncated: message.data.length > PAYLOAD_BYTES,
    deliveries: message.info.deliveryCount,
    deadAt: new Date().toISOString(),
  };
  await js.publish(`dead.${generationId}.${name}`, JSON.stringify(letter), {
    msgID: `dead:${message.info.stream}:${message.seq}`,
  });
}

export interface LetterQuery {
  readonly generationId?: string;
  readonly limit: number;
  /** Sequence to start after. 0: start with the oldest letter. Default: the newest letters. */
  readonly after?: number;
}

/** A page of letters, and the number of older and newer ones. */
export interface LetterPage {
  readonly letters: readonly StoredLetter[];
  readonly older: number;
  readonly newer: number;
}

/** Lists and replays dead letters. */
export interface DeadLetters {
  /**
   * At most `limit` letters of one generation or of all, oldest first: the newest ones, or with `after` the ones that follow
   * that sequence.
   */
  list(options: LetterQuery): Promise<LetterPage>;
  /** Undefined: no such letter. */
  get(sequence: number): Promise<StoredLetter | undefined>;
  /**
   * Publishes the message again with its retries reset, removes the letter and returns it. Undefined: no such letter. All
   * consumers of an event receive it again. Throws `SCHEMA_VIOLATION` for a truncated letter.
   */
  replay(sequence: number): Promise<StoredLetter | undefined>;
}

const read = (sequence: number, text: string): StoredLetter => ({ sequence, ...letterSchema.parse(JSON.parse(text)) });

/** The deterministic id of the message. Undefined: the message is unknown or invalid. */
function idOf({ subject, payload }: DeadLetter): string | undefined {
  for (const definition of [...COMMANDS, ...EVENTS] as readonly MessageDefinition[]) {
    try {
      const body: MessageBody = decodeMessage(definition, Buffer.from(payload, 'base64'));
      if (subjectOf(definition, body.generationId) === subject) return messageId(definition, body);
    } catch {
      // Another message. For an invalid one no retries were counted.
    }
  }
  return undefined;
}

/** Opens the dead letters. The streams must exist. */
export async function openDeadLetters(connection: NatsConnection): Promise<DeadLetters> {
  const js = jetstream(connection);
  const { streams } = await jetstreamManager(connection);
  const get = async (sequence: number): Promise<StoredLetter | undefined> => {
    try {
      const stored = await streams.getMessage(DEAD_LETTERS_STREAM, { seq: sequence });
      return stored === null ? undefined : read(sequence, stored.string());
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return undefined;
      throw error;
    }
  };
  return {
    get,
    list: async ({ generationId, limit, after }) => {
      const filter = `dead.${generationId ?? '*'}.>`;
      const { state } = await streams.info(DEAD_LETTERS_STREAM, { subjects_filter: filter });
      let left = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
      if (left === 0) return { letters: [], older: 0, newer: 0 };
      const consumer = await js.consumers.get(DEAD_LETTERS_STREAM, {
        filter_subjects: filter,
        deliver_policy: DeliverPolicy.All,
      });
      const found: StoredLetter[] = [];
      let [older, newer] = [0, 0];
      try {
        while (left > 0) {
          const message = await consumer.next({ expires: READ_MS });
          if (message === null) break;
          left = Math.min(left - 1, message.info.pending);
          if (after !== undefined && message.seq <= after) {
            older += 1;
            continue;
          }
          found.push(read(message.seq, message.string()));
          if (found.length > limit) {
            found.shift();
            older += 1;
          }
          if (after !== undefined && found.length === limit) {
            newer = left;
            break;
          }
        }
      } finally {
        await consumer.delete();
      }
      return { letters: found, older, newer };
    },
    replay: async (sequence) => {
      const letter = await get(sequence);
      if (letter === undefined) return undefined;
      if (letter.truncated)
        throw new ClipmeshError('SCHEMA_VIOLATION', `dead letter ${sequence} contains only a part of its message`);
      const id = idOf(letter);
      if (id !== undefined) await clearRetries(connection, id);
      const traced = headers();
      const { traceparent, tracestate } = letter.headers;
      if (traceparent !== undefined) traced.set('traceparent', traceparent);
      if (tracestate !== undefined) traced.set('tracestate', tracestate);
      // If the removal fails, the broker drops a second replay by this id.
      await js.publish(letter.subject, Buffer.from(letter.payload, 'base64'), {
        msgID: `replay:${sequence}:${letter.deadAt}`,
        headers: traced,
      });
      await streams.deleteMessage(DEAD_LETTERS_STREAM, sequence, false);
      return letter;
    },
  };
}
