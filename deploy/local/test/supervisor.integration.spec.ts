import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ProcessSpec, Supervisor } from '../src/stack/supervisor.js';

let dir: string;
let supervisor: Supervisor;
const reports: string[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clipmesh-supervisor-'));
  reports.length = 0;
  supervisor = new Supervisor({
    dir,
    report: (line) => reports.push(line),
    stopMs: 500,
    orphanStopMs: 500,
    firstBackoffMs: 20,
    maxBackoffMs: 80,
  });
});
afterEach(async () => {
  await supervisor.stop();
  rmSync(dir, { recursive: true, force: true });
});

const script = (code: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
  service: 'probe',
  instance: 1,
  command: process.execPath,
  args: ['-e', code],
  cwd: dir,
  env: process.env,
  ready: '"msg":"ready"',
  ...more,
});
const READY = `console.log('{"msg":"ready"}'); setInterval(() => {}, 1000);`;
const pidOf = (name: string): number => Number(readFileSync(join(dir, 'run', `${name}.pid`), 'utf8'));
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries += 1) await sleep(10);
  expect(condition()).toBe(true);
}

describe('supervisor', () => {
  it('writes pid and log, and leaves nothing after stop', async () => {
    await supervisor.start(script(`console.error('a warning'); ${READY}`), 120_000);
    const pid = pidOf('probe.1');
    expect(alive(pid)).toBe(true);
    await supervisor.stop();
    expect(alive(pid)).toBe(false);
    expect(existsSync(join(dir, 'run', 'probe.1.pid'))).toBe(false);
    const log = readFileSync(join(dir, 'logs', 'probe.1.log'), 'utf8')
      .trim()
      .split('\n');
    const messages = log.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages.sort()).toEqual(['a warning', 'ready']);
  });

  it('waits for a process that still works, but not after a kill', async () => {
    const slow = new Supervisor({ dir, report: () => undefined, stopMs: 60_000, orphanStopMs: 500 });
    await slow.start(script(`process.on('SIGTERM', () => {}); ${READY}`), 120_000);
    const pid = pidOf('probe.1');
    const stopped = slow.stop();
    await sleep(200);
    expect(alive(pid)).toBe(true);
    slow.kill();
    await stopped;
    expect(alive(pid)).toBe(false);
  });

  it('backs off longer before each restart of a process that dies at once', async () => {
    const counter = join(dir, 'starts');
    const count = `require('node:fs').appendFileSync(${JSON.stringify(counter)}, '.')`;
    const once = `require('node:fs').existsSync(${JSON.stringify(counter)}) ? (${count}, process.exit(1)) : ${count};`;
    await supervisor.start(
      script(`${once} console.log('{"msg":"ready"}'); setTimeout(() => process.exit(1), 50);`),
      120_000,
    );
    await until(() => reports.length >= 4);
    const pauses = reports.slice(0, 4).map((line) => Number(/in (\d+) ms/.exec(line)?.[1]));
    expect(pauses).toEqual([20, 40, 80, 80]);
  });

  it('restarts a killed process', async () => {
    await supervisor.start(script(READY), 120_000);
    const pid = pidOf('probe.1');
    process.kill(pid, 'SIGKILL');
    await until(() => existsSync(join(dir, 'run', 'probe.1.pid')) && pidOf('probe.1') !== pid);
    expect(reports[0]).toContain('probe.1 ended');
  });

  it('kills a process that ignores SIGTERM, with its children', async () => {
    const child = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).pid`;
    await supervisor.start(
      script(`process.on('SIGTERM', () => {}); console.log('child ' + ${child}); ${READY}`),
      120_000,
    );
    const log = readFileSync(supervisor.logOf({ service: 'probe', instance: 1 }), 'utf8');
    const grandchild = Number(/child (\d+)/.exec(log)?.[1]);
    const pid = pidOf('probe.1');
    await supervisor.stop();
    await until(() => !alive(pid) && !alive(grandchild));
  });

  it('stops processes with `last` after all others', async () => {
    const file = join(dir, 'order');
    const note = (name: string): string =>
      `process.on('SIGTERM', () => { require('node:fs').appendFileSync(${JSON.stringify(file)}, '${name} '); process.exit(0); }); ${READY}`;
    await supervisor.start(script(note('broker'), { service: 'broker', last: true }), 120_000);
    await supervisor.start(script(note('worker')), 120_000);
    await supervisor.stop();
    expect(readFileSync(file, 'utf8')).toBe('worker broker ');
  });

  it('reports the last output of a process that does not start', async () => {
    const failing = script(`console.error('the key is missing'); process.exit(1);`);
    await expect(supervisor.start(failing, 120_000)).rejects.toThrow('probe.1 did not start: the key is missing');
  });

  it('stops waiting after the timeout', async () => {
    await expect(supervisor.start(script('setInterval(() => {}, 1000)'), 200)).rejects.toThrow('was not ready');
  });

  it('reports a program that does not exist', async () => {
    await expect(supervisor.start(script('', { command: 'no-such-program' }), 120_000)).rejects.toThrow(/ENOENT/);
  });
});
