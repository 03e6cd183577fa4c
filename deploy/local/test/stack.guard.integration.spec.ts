import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { until, within } from '@clipmesh/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { identityOf } from '../processes/process.identity.mjs';

/** Ends a hang. */
const HANG_MS = 60_000;
const SUPERVISOR = pathToFileURL(join(import.meta.dirname, '..', 'dist', 'stack', 'supervisor.js')).href;
let dir: string;
let parent: ChildProcess | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clipmesh-guard-'));
});
afterEach(() => {
  parent?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** A supervisor with three processes: one that stops on SIGTERM, one that ignores it, and one with `last`. */
const PROGRAM = `
  const { Supervisor } = await import(${JSON.stringify(SUPERVISOR)});
  const [dir] = process.argv.slice(1);
  const supervisor = new Supervisor({ dir, report: () => {}, stopMs: 60_000, orphanStopMs: 500 });
  const ready = "setInterval(() => {}, 1000); console.log('ready')";
  const note = (name) => "process.on('SIGTERM', () => { require('node:fs').appendFileSync(" + JSON.stringify(dir + '/order') + ", '" + name + " '); process.exit(0); });";
  const spec = (service, code, last) => ({ service, instance: 1, command: process.execPath, args: ['-e', code + ready], cwd: dir, env: process.env, ready: 'ready', last });
  await supervisor.start(spec('broker', note('broker'), true), 60_000);
  await supervisor.start(spec('worker', note('worker')), 60_000);
  await supervisor.start(spec('deaf', "process.on('SIGTERM', () => {});"), 60_000);
  process.once('SIGTERM', () => void supervisor.stop().then(() => process.exit(0)));
  console.log('started');
`;

async function startSupervisor(): Promise<{ supervisor: ChildProcess; pids: number[]; guard: number }> {
  const supervisor = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parent = supervisor;
  await within(once(supervisor.stdout, 'data'), HANG_MS, 'the start');
  const files = readdirSync(join(dir, 'run')).filter((name) => name.endsWith('.pid'));
  const pids = files.map((name) => Number(readFileSync(join(dir, 'run', name), 'utf8')));
  expect(pids).toHaveLength(3);
  const children = readFileSync(`/proc/${String(supervisor.pid)}/task/${String(supervisor.pid)}/children`, 'utf8');
  const [guard = 0] = children
    .trim()
    .split(' ')
    .map(Number)
    .filter((pid) => !pids.includes(pid));
  return { supervisor, pids, guard };
}
const alive = (pids: readonly number[]): number[] => pids.filter((pid) => identityOf(pid) !== undefined);

(process.platform === 'linux' ? it : it.skip)('a killed supervisor ends its processes, in order', async () => {
  const { supervisor, pids, guard } = await startSupervisor();
  expect(alive([...pids, guard])).toHaveLength(4);
  supervisor.kill('SIGKILL');
  await until(() => alive([...pids, guard]).length === 0, HANG_MS, 'the end of all');
  expect(readFileSync(join(dir, 'order'), 'utf8')).toBe('worker broker ');
  expect(readdirSync(join(dir, 'run'))).toEqual([]);
});

(process.platform === 'linux' ? it : it.skip)('a stopped supervisor ends its guard too', async () => {
  const { supervisor, pids, guard } = await startSupervisor();
  // This process ignores SIGTERM; the test does not wait until its stop time is over.
  const deaf = Number(readFileSync(join(dir, 'run', 'deaf.1.pid'), 'utf8'));
  supervisor.kill('SIGTERM');
  process.kill(deaf, 'SIGKILL');
  expect((await within(once(supervisor, 'exit') as Promise<unknown[]>, HANG_MS, 'the end'))[0]).toBe(0);
  expect(alive([...pids, guard])).toEqual([]);
});
