import { describe, expect, it } from '@jest/globals';
import { HelpRequested, UsageError } from '../../command.line.mjs';
import { moreText, parseDeadLetters } from './dead.letters.arguments.js';

const defaults = { dataDir: '.clipmesh', cwd: '/project' };
const parse = (...args: string[]): ReturnType<typeof parseDeadLetters> => parseDeadLetters(args, defaults);
const id = `gen_${'a'.repeat(32)}`;

describe('dead-letters', () => {
  it('lists the newest fifty of the stack in .clipmesh by default', () => {
    expect(parse()).toEqual({
      command: { kind: 'list', limit: 50 },
      dataDir: '/project/.clipmesh',
      json: false,
    });
    expect(parse('list', '--generation', id, '--limit', '3', '--data', 'x', '--json')).toEqual({
      command: { kind: 'list', limit: 3, generationId: id },
      dataDir: '/project/x',
      json: true,
    });
  });

  it.each(['show', 'replay'])('%s takes a number', (kind) => {
    expect(parse(kind, '12').command).toEqual({ kind, sequence: 12 });
  });

  it.each([
    [['drop']],
    [['show']],
    [['show', '0']],
    [['replay', 'all']],
    [['replay', '1', '2']],
    [['show', '1', '--limit', '2']],
    [['list', '3']],
    [['--limit', '0']],
    [['--after', '-1']],
    [['show', '1', '--after', '2']],
    [['--generation', 'gen_x']],
    [['--nonsense']],
    [['--data', '']],
  ])('refuses %j', (args) => {
    expect(() => parse(...args)).toThrow(UsageError);
  });

  it('throws the help', () => {
    expect(() => parse('--help')).toThrow(HelpRequested);
  });
});

describe('rest of a list', () => {
  const letters = [{ sequence: 7 }, { sequence: 9 }];
  const list = { kind: 'list', limit: 2 } as const;
  it.each([
    [{ letters, older: 0, newer: 0 }, list, ''],
    [
      { letters, older: 3, newer: 0 },
      list,
      '3 older ones are not shown: npm run dead-letters -- list --after 0 --limit 2',
    ],
    [
      { letters, older: 3, newer: 4 },
      { ...list, after: 6 },
      '4 more follow: npm run dead-letters -- list --after 9 --limit 2',
    ],
    [
      { letters, older: 0, newer: 1 },
      { ...list, after: 0, generationId: id },
      `1 more follow: npm run dead-letters -- list --after 9 --generation ${id} --limit 2`,
    ],
    [{ letters: [], older: 9, newer: 0 }, { ...list, after: 12 }, ''],
  ])('%#', (page, command, text) => {
    expect(moreText(page, command)).toBe(text);
  });
});
