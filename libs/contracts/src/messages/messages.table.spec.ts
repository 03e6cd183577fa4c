import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { messagesTable } from './messages.table.js';

describe('the table of messages', () => {
  it.each(['command', 'event'] as const)('of every %s matches docs/messages.md exactly', (kind) => {
    const page = readFileSync(new URL('../../../../docs/messages.md', import.meta.url), 'utf8');
    expect(page).toContain(messagesTable(kind));
  });

  it('takes the consumers of a message from the topology', () => {
    const [cancel] = messagesTable('event')
      .split('\n')
      .filter((line) => line.includes('`cancel.requested`'));
    expect(cancel).toContain('| director, canceler, cost |');
    expect(messagesTable('command')).toContain('| clip-generator |');
  });
});
