import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { within } from '@clipmesh/testing';
import { claimFolder } from '../src/stack/folder.lock.js';
import { identityOf } from '../processes/process.identity.mjs';
import { endRecorded, writeRecord } from '../src/stack/process.records.js';

/** Ends a hang. */
const HANG_MS = 60_000;
const CLAIM = pathToFileURL(join(import.meta.dirname, '..', 'dist', 'stack', 'folder.lock.js')).href;
const IDLE = 'setInterval(() => {}, 1000)';
let dir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clipmesh-lock-'));
  mkdirSync(join(dir, 'run'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Starts a process with a record in the folder. Resolves when the process listens to signals. */
async function leave(name: string, code = IDLE, last = false): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', `${code}; console.log('up')`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  writeRecord(dir, name, child.pid ?? 0, last);
  return child;
}
/** The signal that ended the child. */
const ended = async (child: ChildProcess): Promise<unknown> => {
  if (child.exitCode !== null || child.signalCode !== null) return child.signalCode;
  return (await within(once(child, 'exit') as Promise<unknown[]>, HANG_MS, 'the end'))[1];
};
const files = (): string[] => readdirSync(join(dir, 'run')).sort();
const recordFile = (name: string): string => join(dir, 'run', `${name}.process.json`);

describe('the folder of a killed stack', () => {
  it.each(['jaeger.1', 'nats.1', 'planner.1', 'stack'])('ends its %s', async (name) => {
    const left = await leave(name);
    // A killed supervisor has ended; only its processes remain.
    if (name === 'stack') {
      left.kill('SIGKILL');
      await ended(left);
    }
    const release = await claimFolder(dir);
    expect(await ended(left)).toBe('SIGKILL');
    expect(files()).toEqual(['stack.pid', 'stack.process.json']);
    release();
    expect(files()).toEqual([]);
  });

  it.each([
    ['reuses one of its pids', (text: string) => text.replace(/"identity":"[^"]*"/, '"identity":"earlier"')],
    ['has an unreadable record', () => '{'],
    ['has only a pid file', undefined],
  ])('does not touch a process that %s', async (_who, rewrite) => {
    const stranger = await leave('jaeger.1');
    if (rewrite === undefined) rmSync(recordFile('jaeger.1'));
    else writeFileSync(recordFile('jaeger.1'), rewrite(readFileSync(recordFile('jaeger.1'), 'utf8')));
    (await claimFolder(dir))();
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(files()).toEqual([]);
  });

  it('refuses a second stack, with the pid of the first', async () => {
    const first = await leave('stack');
    const service = await leave('planner.1');
    await expect(claimFolder(dir)).rejects.toThrow(
      `(pid ${String(first.pid)}); stop it, or choose another with --data`,
    );
    expect(service.exitCode ?? service.signalCode).toBeNull();
  });

  it('is claimed by one of several stacks that start at once', async () => {
    const code = `
      const { claimFolder } = await import(${JSON.stringify(CLAIM)});
      process.stdin.once('data', () => {
        claimFolder(process.argv[1]).then(() => console.log('claimed'), (error) => console.log(error.message));
      });
      console.log('up');
    `;
    const rivals = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code, dir], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      children.push(child);
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
    });
    const said = (): Promise<string[]> =>
      within(Promise.all(rivals.map(async ({ lines }) => String((await lines.next()).value))), HANG_MS, 'the rivals');
    await said();
    for (const { child } of rivals) child.stdin.write('go');
    const ends = await said();
    expect(ends.filter((end) => end === 'claimed')).toHaveLength(1);
    expect(ends.filter((end) => end.startsWith('a stack already runs on'))).toHaveLength(3);
  });

  it('may be claimed when another process reuses the pid of its last stack', async () => {
    const stranger = await leave('stack');
    writeFileSync(recordFile('stack'), JSON.stringify({ pid: stranger.pid, identity: 'earlier', last: true }));
    (await claimFolder(dir))();
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });
});

describe('recorded processes', () => {
  it('get SIGTERM, then SIGKILL with their children, those with `last` after all others', async () => {
    const note = (name: string): string =>
      `process.on('SIGTERM', () => { require('node:fs').appendFileSync(${JSON.stringify(join(dir, 'order'))}, '${name} '); process.exit(0); }); ${IDLE}`;
    const deaf = `process.on('SIGTERM', () => {}); require('node:child_process').spawn(process.execPath, ['-e', '${IDLE}'], { stdio: 'inherit' }); ${IDLE}`;
    const broker = await leave('broker.1', note('broker'), true);
    const worker = await leave('worker.1', note('worker'));
    const stubborn = await leave('stubborn.1', deaf);
    // Its child keeps the pipe open too, so the pipe closes with the last process of the group.
    const groupGone = once(stubborn.stdout ?? stubborn, 'close');
    await endRecorded(dir, 300, 'stack');
    expect(await ended(stubborn)).toBe('SIGKILL');
    expect([await ended(worker), await ended(broker)]).toEqual([null, null]);
    expect(readFileSync(join(dir, 'order'), 'utf8')).toBe('worker broker ');
    stubborn.stdout?.resume();
    await within(groupGone, HANG_MS, 'the end of the child');
    expect(files()).toEqual([]);
  });

  it('have a stable identity, and none when they have ended', async () => {
    const child = await leave('probe.1');
    const other = await leave('probe.2');
    const identity = identityOf(child.pid ?? 0);
    expect(identity).toBeDefined();
    expect(identityOf(child.pid ?? 0)).toBe(identity);
    child.kill('SIGKILL');
    await ended(child);
    expect(identityOf(child.pid ?? 0)).toBeUndefined();
    writeRecord(dir, 'ended', child.pid ?? 0, false);
    expect(files()).not.toContain('ended.pid');
    expect(identityOf(other.pid ?? 0)).toBeDefined();
  });
});
