import { describe, expect, it } from '@jest/globals';
import { HelpRequested, UsageError } from '../../command.line.mjs';
import { parseReconcile } from './reconcile.arguments.js';

const parse = (...args: string[]): ReturnType<typeof parseReconcile> =>
  parseReconcile(args, { dataDir: '.clipmesh', cwd: '/project' });
const GIVEN = ['--provider', 'replicate', '--file', 'invoice.csv'];

describe('reconcile', () => {
  it('compares with the stack in .clipmesh by default', () => {
    expect(parse(...GIVEN)).toEqual({
      provider: 'replicate',
      file: '/project/invoice.csv',
      from: undefined,
      to: undefined,
      dataDir: '/project/.clipmesh',
      json: false,
    });
    expect(parse(...GIVEN, '--from', '2026-01-01', '--to', '2026-01-31', '--data', 'x', '--json')).toMatchObject({
      from: '2026-01-01',
      to: '2026-01-31',
      dataDir: '/project/x',
      json: true,
    });
  });

  it.each([
    [[]],
    [['--provider', 'replicate']],
    [['--file', 'x']],
    [[...GIVEN, '--from', 'yesterday']],
    [[...GIVEN, '--to', '2026-02-30']],
    [[...GIVEN, '--from', '2026-02-01', '--to', '2026-01-31']],
    [[...GIVEN, 'more']],
    [[...GIVEN, '--nonsense']],
  ])('refuses %j', (args) => {
    expect(() => parse(...args)).toThrow(UsageError);
  });

  it('throws the help', () => {
    expect(() => parse('--help')).toThrow(HelpRequested);
  });
});
