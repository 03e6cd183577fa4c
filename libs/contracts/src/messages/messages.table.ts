import { z } from 'zod';
import { COMMANDS } from './commands.js';
import { EVENTS } from './events.js';
import { type MessageDefinition, subjectOf } from './message.js';
import { commandStream, EVENTS_STREAM, INBOXES, type InboxSpec } from './topology.js';

type Declared = Pick<MessageDefinition, 'kind' | 'name' | 'version' | 'description'> & { schema: z.ZodType };

/** Whether a subject matches a filter with `*` and `>`. */
function matches(subject: string, filter: string): boolean {
  const tokens = subject.split('.');
  const pattern = filter.split('.');
  const open = pattern.at(-1) === '>';
  if (open ? tokens.length < pattern.length : tokens.length !== pattern.length) return false;
  return pattern.every((token, at) => token === '>' || token === '*' || token === tokens[at]);
}

const readersOf = (stream: string, subject: string): string[] =>
  Object.values<InboxSpec>(INBOXES)
    .filter((inbox) => inbox.stream === stream && matches(subject, inbox.filterSubject))
    .map(({ durable }) => durable);

function row(definition: Declared): string {
  const subject = subjectOf(definition, '<generationId>');
  const stream = definition.kind === 'command' ? commandStream(definition) : EVENTS_STREAM;
  const { properties = {}, required = [] } = z.toJSONSchema(definition.schema, { io: 'input' });
  const fields = Object.keys(properties)
    .filter((name) => name !== 'generationId')
    .map((name) => `\`${name}${required.includes(name) ? '' : '?'}\``);
  const readers = readersOf(stream, subjectOf(definition, 'g'));
  return `| \`${definition.name}\` v${definition.version} | \`${subject}\` | \`${stream}\` | ${readers.join(', ')} | ${definition.description} | ${fields.join(', ')} |`;
}

const HEAD =
  '| message | subject | stream | durable consumers | meaning | body, besides `generationId` |\n|---|---|---|---|---|---|';

/** A Markdown table of all commands or all events. */
export function messagesTable(kind: MessageDefinition['kind']): string {
  const list: readonly Declared[] = kind === 'command' ? COMMANDS : EVENTS;
  return [HEAD, ...list.map(row)].join('\n');
}
