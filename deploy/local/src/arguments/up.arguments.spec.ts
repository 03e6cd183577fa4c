import { describe, expect, it } from '@jest/globals';
import { HelpRequested, UsageError } from '../../command.line.mjs';
import { parseUp } from './up.arguments.js';

const defaults = { dataDir: '.clipmesh', port: 8080, cwd: '/project' };

describe('arguments of up', () => {
  it('has defaults', () => {
    expect(parseUp([], defaults)).toMatchObject({
      port: 8080,
      dataDir: '/project/.clipmesh',
      scale: { gateway: 1, 'clip-generator': 1 },
      jaeger: false,
    });
  });

  it.each([
    [['--scale', 'clip-generator=3'], { scale: { 'clip-generator': 3, overlay: 1 } }],
    [['--scale', 'clip-generator=3,overlay=2'], { scale: { 'clip-generator': 3, overlay: 2 } }],
    [['--scale=planner=2', '--scale', 'cost=4'], { scale: { planner: 2, cost: 4, overlay: 1 } }],
    [['--port', '9000', '--data', 'other'], { port: 9000, dataDir: '/project/other' }],
    [['--data', '/var/x'], { dataDir: '/var/x', jaeger: false }],
    [['--jaeger', '--port', '9000'], { port: 9000, jaeger: true }],
  ])('%j', (args, expected) => {
    expect(parseUp(args, defaults)).toMatchObject(expected);
  });

  it.each(['--help', '-h'])('%s shows every option with its default', (flag) => {
    const help = (): unknown => parseUp([flag], defaults);
    expect(help).toThrow(HelpRequested);
    expect(help).toThrow(/^Usage: npm run up -- \[options\]\n/);
    expect(help).toThrow(/--scale <SERVICE=N> .*default: 1 of.*--port <N> .*default: 8080.*--data <DIR> .*clipmesh\)/s);
  });

  it.each([
    [['--scale', 'nobody=3'], /--scale takes SERVICE=N/],
    [['--scale', 'gateway=2'], /--scale takes SERVICE=N/],
    [['--scale', 'overlay'], /--scale takes SERVICE=N/],
    [['--scale', 'overlay=0'], /from 1 to 16/],
    [['--port', 'x'], /--port takes a whole number/],
    [['--port', '65536'], /--port takes a whole number/],
    [['--port'], /--port <N>' argument missing: port of the gateway, 1-65535\.$/],
    [['--port', '--data', 'x'], /^--port takes a value, and --data is an option\.$/],
    [['--colour', 'red'], /^Unknown option '--colour'; the options are --scale, --port, --data, --jaeger\.$/],
    [['--prot', '9000'], /^Unknown option '--prot' \(did you mean --port\?\); the options are /],
    [['--jaeger=yes'], /--jaeger/],
    [['stray'], /^Unexpected argument 'stray'; the options are /],
    [['--data='], /^--data takes a value\.$/],
  ])('refuses %j', (args, message) => {
    expect(() => parseUp(args, defaults)).toThrow(UsageError);
    expect(() => parseUp(args, defaults)).toThrow(message);
  });
});
