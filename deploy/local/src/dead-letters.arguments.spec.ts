import { describe, expect, it } from '@jest/globals';
import { HelpRequested, UsageError } from './arguments.js';
import { parseDeadLetters } from './dead-letters.arguments.js';

const defaults = { dataDir: '.clipmesh', cwd: '/work' };
const parse = (...args: string[]): ReturnType<typeof parseDeadLetters> => parseDeadLetters(args, defaults);
const id = `gen_${'a'.repeat(32)}`;

describe('dead-letters', () => {
  it('lists the newest fifty of the stack in .clipmesh unless told otherwise', () => {
    expect(parse()).toEqual({
      command: { kind: 'list', limit: 50 },
      dataDir: '/work/.clipmesh',
      json: false,
    });
    expect(parse('list', '--generation', id, '--limit', '3', '--data', 'x', '--json')).toEqual({
      command: { kind: 'list', limit: 3, generationId: id },
      dataDir: '/work/x',
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
    [['--generation', 'gen_x']],
    [['--nonsense']],
    [['--data', '']],
  ])('refuses %j', (args) => {
    expect(() => parse(...args)).toThrow(UsageError);
  });

  it('helps', () => {
    expect(() => parse('--help')).toThrow(HelpRequested);
  });
});
