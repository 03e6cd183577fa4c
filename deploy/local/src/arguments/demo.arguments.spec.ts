import { describe, expect, it } from '@jest/globals';
import { HelpRequested, UsageError } from '../../command.line.mjs';
import { parseDemo } from './demo.arguments.js';

const defaults = { dataDir: '.clipmesh', cwd: '/project' };

describe('arguments of demo', () => {
  it('has defaults', () => {
    expect(parseDemo([], defaults)).toMatchObject({
      port: undefined,
      dataDir: '/project/.clipmesh',
      request: { durationSeconds: 15, aspectRatio: '9:16', voiceover: {} },
      out: '/project/out/demo.mp4',
      report: '/project/out/demo.report.json',
    });
  });

  it.each([
    [['--duration', '20', '--scenes', '4'], { request: { durationSeconds: 20, sceneCount: 4 } }],
    [['--aspect', '16:9'], { request: { aspectRatio: '16:9' } }],
    [['--model', 'cog/animatic'], { request: { model: 'cog/animatic' } }],
    [['--draft'], { request: { mode: 'draft' } }],
    [['--workers', '1'], { request: { parallel: { enabled: false, maxWorkers: 1 } } }],
    [['--workers', '6'], { request: { parallel: { enabled: true, maxWorkers: 6 } } }],
    [['--out', 'a/b.mp4'], { out: '/project/a/b.mp4', report: '/project/a/b.report.json' }],
    [['--prompt=--bold and -- cold bottles'], { request: { prompt: '--bold and -- cold bottles' } }],
  ])('%j', (args, expected) => {
    expect(parseDemo(args, defaults)).toMatchObject(expected);
  });

  it.each(['--help', '-h'])('%s shows every option with its default', (flag) => {
    const help = (): unknown => parseDemo(['--scenes', '3', flag], defaults);
    expect(help).toThrow(HelpRequested);
    expect(help).toThrow(/--prompt <TEXT> .*--duration <SECONDS> .*default: 15.*--workers <N> .*--data <DIR> /s);
  });

  it.each([
    [['--prompt', ''], /^--prompt: the prompt needs at least 10 characters\.$/],
    [['--prompt', '--duration', '20'], /^--prompt takes a value, and --duration is an option\.$/],
    [['--out', ' '], /^--out takes a value\.$/],
    [['--prompt', 'x'.repeat(6000)], /--prompt: the prompt may have at most 5000/],
    [['--prompt', 'short'], /--prompt: the prompt needs at least 10/],
    [['--duration', '8'], /^--duration takes a whole number from 9 to 60\.$/],
    [['--duration', '15 s'], /^--duration takes a whole number from 9 to 60\.$/],
    [['--duraton', '15'], /^Unknown option '--duraton' \(did you mean --duration\?\); the options are --prompt, /],
    [['--scenes', 'x'], /^--scenes takes a whole number from 1 to 12\.$/],
    [['--aspect', '4:3'], /'--aspect <W:H>' .*'4:3' is invalid; allowed choices are 9:16, 16:9, 1:1\.$/],
    [['--duration', '15', '--scenes', '9'], /--scenes: 15 s cannot be cut/],
    [['--workers', '13'], /--workers takes/],
  ])('refuses %j', (args, message) => {
    expect(() => parseDemo(args, defaults)).toThrow(UsageError);
    expect(() => parseDemo(args, defaults)).toThrow(message);
  });
});
