import { decodeMessage, EVENTS, type MessageBody, messageId, MessageSchemaError, subjectOf } from '@clipmesh/contracts';
import { type JsMsg } from '@nats-io/jetstream';
import { type Binding } from './inbox.decorator.js';

/** A decoded message for a handler. */
export interface Delivery {
  readonly name: string;
  readonly id: string;
  readonly body: MessageBody;
  /** First argument of the handler: the body of a command, or name and body of an event. */
  readonly argument: unknown;
}

const events = new Map<string, (typeof EVENTS)[number]>(EVENTS.map((definition) => [definition.name, definition]));

/** Message name of a subject: `clip.generate.<id>` or `events.<id>.clip.generated`. */
export function nameOf(subject: string, binding: Binding): string {
  return binding.options?.message.name ?? subject.split('.').slice(2).join('.');
}

const subjectMismatch = (name: string): MessageSchemaError =>
  new MessageSchemaError(name, 'the generation of the subject is not the one of the body');

/** Decodes a delivery. Undefined: an event that this version does not know. Throws {@link MessageSchemaError}. */
export function readDelivery(message: Pick<JsMsg, 'subject' | 'data'>, binding: Binding): Delivery | undefined {
  const name = nameOf(message.subject, binding);
  if (binding.options !== undefined) {
    const definition = binding.options.message;
    const body = decodeMessage(definition, message.data);
    if (message.subject !== subjectOf(definition, body.generationId)) throw subjectMismatch(name);
    return { name, id: messageId(definition, body), body, argument: body };
  }
  const definition = events.get(name);
  if (definition === undefined) return undefined;
  const body = decodeMessage<MessageBody>(definition, message.data);
  if (message.subject !== subjectOf(definition, body.generationId)) throw subjectMismatch(name);
  return { name, id: messageId<MessageBody>(definition, body), body, argument: { name, body } };
}
