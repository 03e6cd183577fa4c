import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@clipmesh/testing';

const HANG_MS = 120_000;
const FIND = join(import.meta.dirname, '..', '..', 'test-servers', 'find.server.mjs');
const SERVER = 'mongo-java-server';

let dir: string;
const finders: Finder[] = [];
const builds = (): number => (existsSync(join(dir, 'builds')) ? readFileSync(join(dir, 'builds'), 'utf8').length : 0);
const openGate = (): void => {
  writeFileSync(join(dir, 'gate'), '');
};

/** A process that wants the server. */
class Finder {
  readonly child: ChildProcess;
  output = '';

  constructor() {
    const env = { PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}`, XDG_CACHE_HOME: join(dir, 'cache') };
    this.child = spawn(process.execPath, [FIND, SERVER], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    finders.push(this);
  }

  said(text: string): Promise<unknown> {
    return until(() => this.output.includes(text), HANG_MS, text);
  }

  async end(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clipmesh-servers-'));
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin', 'java'), '#!/bin/sh\n', { mode: 0o755 });
  // A build that notes its start, and ends when the gate is open.
  const build = `#!/bin/sh\nprintf x >> '${dir}/builds'\nwhile [ ! -e '${dir}/gate' ]; do sleep 0.05; done\n`;
  writeFileSync(join(dir, 'bin', 'mvn'), build, { mode: 0o755 });
});
afterEach(async () => {
  openGate();
  for (const finder of finders.splice(0)) await finder.end();
  rmSync(dir, { recursive: true, force: true });
});

describe('a test server that two processes want at once', () => {
  it('is built by one of them, and the other waits', async () => {
    const first = new Finder();
    await until(() => builds() === 1, HANG_MS, 'the build');
    const second = new Finder();
    await second.said('Waiting for another process');
    openGate();
    expect([await first.end(), await second.end()]).toEqual([0, 0]);
    expect(builds()).toBe(1);
    expect(readdirSync(join(dir, 'cache', 'clipmesh', 'servers'))).toEqual([
      expect.stringMatching(/^mongo-java-server-/),
    ]);
  });

  it('is built by the other when the builder is killed', async () => {
    const first = new Finder();
    await until(() => builds() === 1, HANG_MS, 'the build');
    const second = new Finder();
    await second.said('Waiting for another process');
    first.child.kill('SIGKILL');
    await until(() => builds() === 2, HANG_MS, 'the second build');
    openGate();
    expect(await second.end()).toBe(0);
    expect(builds()).toBe(2);
  });
});
