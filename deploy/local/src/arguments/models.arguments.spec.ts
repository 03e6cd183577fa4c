import { describe, expect, it } from '@jest/globals';
import { HelpRequested, UsageError } from '../../command.line.mjs';
import { chosenModels, parseModels } from './models.arguments.js';

describe('models', () => {
  it('lists all models by default', () => {
    expect(parseModels([])).toEqual({ kind: 'list', model: undefined, json: false });
    expect(parseModels(['check', '--model', 'a/b', '--json'])).toEqual({ kind: 'check', model: 'a/b', json: true });
  });

  it.each([[['drop']], [['list', 'check']], [['--model']], [['--model', '']], [['--nonsense']]])(
    'refuses %j',
    (args) => {
      expect(() => parseModels(args)).toThrow(UsageError);
    },
  );

  it('throws the help', () => {
    expect(() => parseModels(['--help'])).toThrow(HelpRequested);
  });

  it('chooses one model or all', () => {
    const models = new Map([['a/b', { id: 'a/b' }]]);
    expect(chosenModels(models, undefined)).toEqual([{ id: 'a/b' }]);
    expect(chosenModels(models, 'a/b')).toEqual([{ id: 'a/b' }]);
    expect(() => chosenModels(models, 'a/c')).toThrow(UsageError);
  });
});
