import { z } from 'zod';
import { MessageSchemaError } from '../failure/schema.error.js';
import { issueText } from '../failure/schema.issues.js';

/** Every message belongs to one generation. The generation id is a token of the subject. */
export interface MessageBody {
  readonly generationId: string;
}

/** Commands are imperative; each has its own WorkQueue stream. Events are past tense and share the stream `EVENTS`. */
export type MessageKind = 'command' | 'event';

/** Declaration of a message: name, schema for sender and receiver, and the key of its deterministic id. */
export interface MessageDefinition<Body extends MessageBody = MessageBody, Name extends string = string> {
  readonly kind: MessageKind;
  /** `noun.verb`, for example `clip.generate` (command) or `clip.generated` (event). */
  readonly name: Name;
  /** Incremented when a reader of the previous version cannot read the new one. */
  readonly version: number;
  /** Meaning of the message, for the table of messages. */
  readonly description: string;
  readonly schema: z.ZodType<Body>;
  /** Identifies a message of this name within its generation, by scene and command step for example. */
  key(body: NoInfer<Body>): string;
}

/** A message to publish: what a handler returns. */
export interface Outgoing<Body extends MessageBody = MessageBody> {
  readonly definition: MessageDefinition<Body>;
  readonly body: Body;
  /** W3C `traceparent`s of further causes, without the parent. They become span links. */
  readonly links?: readonly string[];
  /** `traceparent` of the parent. The message then belongs to that trace. Default: the active span. */
  readonly parent?: string;
}

/** The wire format of a message. */
export interface EncodedMessage {
  readonly subject: string;
  /** `Nats-Msg-Id`: the broker drops a second message with the same id within the duplicate window of the stream. */
  readonly id: string;
  readonly payload: Uint8Array;
}

const NAME = /^[a-z]+(\.[a-z]+)+$/;

/** Declares a message. Throws if the name is not a lower-case `noun.verb`. */
export function defineMessage<Body extends MessageBody, const Name extends string>(
  definition: MessageDefinition<Body, Name>,
): MessageDefinition<Body, Name> {
  if (!NAME.test(definition.name)) throw new Error(`message name ${definition.name} is not of the form noun.verb`);
  return Object.freeze(definition);
}

/** Pairs a body with its definition. The body is validated when it is encoded. */
export function message<Body extends MessageBody>(
  definition: MessageDefinition<Body>,
  body: Body,
  links?: readonly string[],
): Outgoing<Body> {
  return links === undefined || links.length === 0 ? { definition, body } : { definition, body, links };
}

/** Subject of a message: `clip.generate.<generationId>` for a command, `events.<generationId>.clip.generated` for an event. */
export function subjectOf(definition: Pick<MessageDefinition, 'kind' | 'name'>, generationId: string): string {
  return definition.kind === 'command'
    ? `${definition.name}.${generationId}`
    : `events.${generationId}.${definition.name}`;
}

/** The deterministic message id: name, generation and key. Emitting the same message again gives the same id. */
export function messageId<Body extends MessageBody>(definition: MessageDefinition<Body>, body: Body): string {
  const key = definition.key(body);
  return key === '' ? `${definition.name}:${body.generationId}` : `${definition.name}:${body.generationId}:${key}`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Validates the body and encodes it. Throws {@link MessageSchemaError}. */
export function encodeMessage<Body extends MessageBody>(outgoing: Outgoing<Body>): EncodedMessage {
  const { definition } = outgoing;
  const parsed = definition.schema.safeParse(outgoing.body);
  if (!parsed.success) throw new MessageSchemaError(definition.name, issueText(parsed.error), { cause: parsed.error });
  return {
    subject: subjectOf(definition, parsed.data.generationId),
    id: messageId(definition, parsed.data),
    payload: encoder.encode(JSON.stringify({ v: definition.version, body: parsed.data })),
  };
}

const envelope = z.object({ v: z.int().positive(), body: z.unknown() });

/** Decodes and validates a payload. Throws {@link MessageSchemaError} for another version, invalid JSON or an invalid body. */
export function decodeMessage<Body extends MessageBody>(
  definition: MessageDefinition<Body>,
  payload: Uint8Array,
): Body {
  let raw: unknown;
  try {
    raw = JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new MessageSchemaError(definition.name, 'the payload is not UTF-8 JSON', { cause });
  }
  const outer = envelope.safeParse(raw);
  if (!outer.success) throw new MessageSchemaError(definition.name, issueText(outer.error), { cause: outer.error });
  if (outer.data.v !== definition.version) {
    throw new MessageSchemaError(
      definition.name,
      `received version ${outer.data.v}, expected version ${definition.version}`,
    );
  }
  const parsed = definition.schema.safeParse(outer.data.body);
  if (!parsed.success) throw new MessageSchemaError(definition.name, issueText(parsed.error), { cause: parsed.error });
  return parsed.data;
}
