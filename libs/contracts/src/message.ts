import { z } from 'zod';

/** Every message belongs to one generation; its id is a token of the subject. */
export interface MessageBody {
  readonly generationId: string;
}

/** Commands are imperative and live on a WorkQueue stream of their own; events are past tense and live on `EVENTS`. */
export type MessageKind = 'command' | 'event';

/** A message declared once: its name, its schema for both ends, and the key that makes its id deterministic. */
export interface MessageDefinition<Body extends MessageBody = MessageBody, Name extends string = string> {
  readonly kind: MessageKind;
  /** `noun.verb`, for example `clip.generate` (command) or `clip.generated` (event). */
  readonly name: Name;
  /** Raised when a reader of the former version could not read the new one. */
  readonly version: number;
  /** What it asks for or tells, for the table of messages. */
  readonly description: string;
  readonly schema: z.ZodType<Body>;
  /** What makes two messages of this name the same message, beyond the generation: scene and attempt, say. */
  key(body: NoInfer<Body>): string;
}

/** A message on its way out: what a handler returns. */
export interface Outgoing<Body extends MessageBody = MessageBody> {
  readonly definition: MessageDefinition<Body>;
  readonly body: Body;
  /** W3C `traceparent`s of further causes; they become span links. Never the cause that is the parent already. */
  readonly links?: readonly string[];
  /** `traceparent` of what it follows from, where that is not what sends it: the message then belongs to that trace. */
  readonly parent?: string;
}

/** What the wire carries. */
export interface EncodedMessage {
  readonly subject: string;
  /** Becomes `Nats-Msg-Id`: the broker drops a second message of the same id within the stream's duplicate window. */
  readonly id: string;
  readonly payload: Uint8Array;
}

/** The body does not match its schema, or is no JSON at all. Terminal: no retry will mend it. */
export class MessageSchemaError extends Error {
  readonly code = 'SCHEMA_VIOLATION';
  constructor(
    readonly messageName: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${messageName}: ${detail}`, options);
    this.name = 'MessageSchemaError';
  }
}

const NAME = /^[a-z]+(\.[a-z]+)+$/;

/** Declares a message. Throws at load when the name is not `noun.verb` in lower case. */
export function defineMessage<Body extends MessageBody, const Name extends string>(
  definition: MessageDefinition<Body, Name>,
): MessageDefinition<Body, Name> {
  if (!NAME.test(definition.name)) throw new Error(`message name ${definition.name} is not of the form noun.verb`);
  return Object.freeze(definition);
}

/** Pairs a body with its definition; the body is checked when it is encoded. */
export function message<Body extends MessageBody>(
  definition: MessageDefinition<Body>,
  body: Body,
  links?: readonly string[],
): Outgoing<Body> {
  return links === undefined || links.length === 0 ? { definition, body } : { definition, body, links };
}

/** `clip.generate.<generationId>` for commands, `events.<generationId>.clip.generated` for events. */
export function subjectOf(definition: Pick<MessageDefinition, 'kind' | 'name'>, generationId: string): string {
  return definition.kind === 'command'
    ? `${definition.name}.${generationId}`
    : `events.${generationId}.${definition.name}`;
}

/** The deterministic id: name, generation and key. The same fact announced twice has the same id. */
export function messageId<Body extends MessageBody>(definition: MessageDefinition<Body>, body: Body): string {
  const key = definition.key(body);
  return key === '' ? `${definition.name}:${body.generationId}` : `${definition.name}:${body.generationId}:${key}`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
}

/** Checks the body against its schema and encodes it. Throws {@link MessageSchemaError}. */
export function encodeMessage<Body extends MessageBody>(outgoing: Outgoing<Body>): EncodedMessage {
  const { definition } = outgoing;
  const parsed = definition.schema.safeParse(outgoing.body);
  if (!parsed.success) throw new MessageSchemaError(definition.name, describe(parsed.error), { cause: parsed.error });
  return {
    subject: subjectOf(definition, parsed.data.generationId),
    id: messageId(definition, parsed.data),
    payload: encoder.encode(JSON.stringify({ v: definition.version, body: parsed.data })),
  };
}

const envelope = z.object({ v: z.int().positive(), body: z.unknown() });

/** Decodes and checks what arrived. Throws {@link MessageSchemaError} on another version, bad JSON or a bad body. */
export function decodeMessage<Body extends MessageBody>(
  definition: MessageDefinition<Body>,
  payload: Uint8Array,
): Body {
  let raw: unknown;
  try {
    raw = JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new MessageSchemaError(definition.name, 'the payload is not JSON in UTF-8', { cause });
  }
  const outer = envelope.safeParse(raw);
  if (!outer.success) throw new MessageSchemaError(definition.name, describe(outer.error), { cause: outer.error });
  if (outer.data.v !== definition.version) {
    throw new MessageSchemaError(
      definition.name,
      `version ${outer.data.v} arrived, version ${definition.version} is read here`,
    );
  }
  const parsed = definition.schema.safeParse(outer.data.body);
  if (!parsed.success) throw new MessageSchemaError(definition.name, describe(parsed.error), { cause: parsed.error });
  return parsed.data;
}
