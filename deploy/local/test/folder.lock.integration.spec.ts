import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimFolder } from '../src/folder.lock.js';

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

/** A process that a stack has left behind, or another that has its pid now. */
function leave(name: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', ...args], { detached: true });
  children.push(child);
  writeFileSync(join(dir, 'run', `${name}.pid`), `${String(child.pid)}\n`);
  return child;
}

describe('a folder that a killed stack has left', () => {
  it.each([
    ['jaeger.1', () => ['--config', join(dir, 'run', 'jaeger.json')]],
    ['nats.1', () => ['-sd', join(dir, 'nats'), '-p', '1']],
    ['planner.1', () => ['dist/services/planner.js']],
  ])('is rid of its %s', async (name, args) => {
    const left = leave(name, ...args());
    const gone = once(left, 'exit', { signal: AbortSignal.timeout(120_000) });
    const release = claimFolder(dir);
    expect((await gone)[1]).toBe('SIGKILL');
    release();
    expect(readdirSync(join(dir, 'run'))).toEqual([]);
  });

  it('leaves alone who has come to have one of its pids', () => {
    const stranger = leave('jaeger.1', '--config', join(dir, 'jaeger.json'));
    claimFolder(dir)();
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });
});
