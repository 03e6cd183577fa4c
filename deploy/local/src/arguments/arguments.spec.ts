import { describe, expect, it } from '@jest/globals';
import { HelpRequested, parseDemo, parseUp, UsageError } from './arguments.js';

const defaults = { dataDir: '.clipmesh', port: 8080, cwd: '/project' };

describe('arguments of up', () => {
  it('has defaults', () => {
    expect(parseUp([], defaults)).toMatchObject({
      port: 8080,
      dataDir: '/project/.clipmesh',
      scale: { gateway: 1, 'clip-generator': 1 },
    });
  });

  it.each([
    [['--scale', 'clip-generator=3'], { scale: { 'clip-generator': 3, overlay: 1 } }],
    [['--scale', 'clip-generator=3,overlay=2'], { scale: { 'clip-generator': 3, overlay: 2 } }],
    [['--scale=planner=2', '--scale', 'cost=4'], { scale: { planner: 2, cost: 4 } }],
    [['--port', '9000', '--data', 'other'], { port: 9000, dataDir: '/project/other' }],
    [['--data', '/var/x'], { dataDir: '/var/x', jaeger: false }],
    [['--jaeger', '--port', '9000'], { port: 9000, jaeger: true }],
  ])('%j', (args, expected) => {
    expect(parseUp(args, defaults)).toMatchObject(expected);
  });

  it.each([
    [['--scale', 'nobody=3'], /--scale takes SERVICE=N/],
    [['--scale', 'gateway=2'], /--scale takes SERVICE=N/],
    [['--scale', 'overlay'], /--scale takes SERVICE=N/],
    [['--scale', 'overlay=0'], /from 1 to 16/],
    [['--port', 'x'], /--port takes a whole number/],
    [['--port', '65536'], /--port takes a whole number/],
    [['--colour', 'red'], /the options are --scale, --port, --data/],
    [['--jaeger=yes'], /--jaeger/],
    [['stray'], /the options are/],
    [['--data='], /^--data takes a value\.$/],
  ])('refuses %j', (args, message) => {
    expect(() => parseUp(args, defaults)).toThrow(UsageError);
    expect(() => parseUp(args, defaults)).toThrow(message);
  });
});

describe('arguments of demo', () => {
  it('has defaults', () => {
    expect(parseDemo([], defaults)).toMatchObject({
      port: undefined,
      request: { durationSeconds: 15, aspectRatio: '9:16' },
      out: '/project/out/demo.mp4',
      report: '/project/out/demo.report.json',
    });
  });

  it.each([
    [['--duration', '20', '--scenes', '4'], { request: { durationSeconds: 20, sceneCount: 4 } }],
    [['--aspect', '16:9'], { request: { aspectRatio: '16:9' } }],
    [['--workers', '1'], { request: { parallel: { enabled: false, maxWorkers: 1 } } }],
    [['--workers', '6'], { request: { parallel: { enabled: true, maxWorkers: 6 } } }],
    [['--out', 'a/b.mp4'], { out: '/project/a/b.mp4', report: '/project/a/b.report.json' }],
  ])('%j', (args, expected) => {
    expect(parseDemo(args, defaults)).toMatchObject(expected);
  });

  it.each([['--help'], ['-h']])('%s shows every option', (flag) => {
    expect(() => parseDemo(['--scenes', '3', flag], defaults)).toThrow(HelpRequested);
    expect(() => parseDemo([flag], defaults)).toThrow(/--prompt TEXT .*--workers N .*--data DIR /s);
    expect(() => parseUp([flag], defaults)).toThrow(/--scale SERVICE=N .*--port N .*--data DIR /s);
  });

  it.each([
    [['--prompt', ''], /--prompt: the prompt needs at least 10/],
    [['--out', ' '], /^--out takes a value\.$/],
    [['--prompt', 'x'.repeat(6000)], /--prompt: the prompt may have at most 5000/],
    [['--prompt', 'short'], /--prompt: the prompt needs at least 10/],
    [['--duration', '8'], /^--duration takes a whole number from 9 to 60\.$/],
    [['--duration', '15 s'], /^--duration takes a whole number from 9 to 60\.$/],
    [['--scenes', 'x'], /^--scenes takes a whole number from 1 to 12\.$/],
    [['--aspect', '4:3'], /--aspect: /],
    [['--duration', '15', '--scenes', '9'], /--scenes: 15 s cannot be cut/],
    [['--workers', '13'], /--workers takes/],
  ])('refuses %j', (args, message) => {
    expect(() => parseDemo(args, defaults)).toThrow(message);
  });
});
