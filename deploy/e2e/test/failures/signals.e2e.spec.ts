import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SERVICE_PROGRAMS } from '@clipmesh/contracts';
import { freePort } from '@clipmesh/testing';
import { ApiClient } from '../../src/api.client.js';
import { commandEnvironment, ROOT } from '../../src/stack/command.runner.js';
import { eventually } from '../../src/eventually.js';
import { urlsIn } from '../../src/stack/local.stack.js';
import { processesWith, readPids } from '../../src/stack/processes.js';

/** Ends a hang. */
const HANG_MS = 300_000;
const MARK = 'CLIPMESH_E2E_SIGNALS';
const dir = mkdtempSync(join(tmpdir(), 'clipmesh-signals-'));
const started: NpmRun[] = [];

/** A script of package.json, run with npm in its own process group. */
class NpmRun {
  readonly mark = `${MARK}=${randomUUID()}`;
  private readonly child: ChildProcess;
  private output = '';

  constructor(script: string, ...args: string[]) {
    this.child = spawn('npm', ['run', '--silent', script, '--', ...args], {
      cwd: ROOT,
      env: commandEnvironment({ NODE_OPTIONS: '', [MARK]: this.mark.slice(MARK.length + 1) }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    started.push(this);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async said(pattern: RegExp): Promise<void> {
    await eventually(`output like ${String(pattern)}`, HANG_MS, () => {
      if (this.child.exitCode !== null) throw new Error(`npm ended:\n${this.output}`);
      return pattern.test(this.output) ? true : undefined;
    });
  }

  /** Resolves when npm and all its processes, at any depth, have ended. */
  async gone(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    let left: string[] = [];
    await eventually('no process left', HANG_MS, () => {
      left = processesWith(this.mark);
      return left.length === 0 ? true : undefined;
    }).catch(() => {
      throw new Error(`still running: ${left.join('; ')}\n${this.output}`);
    });
  }

  destroy(): void {
    for (const line of processesWith(this.mark)) {
      try {
        process.kill(Number.parseInt(line, 10), 'SIGKILL');
      } catch {
        // It has ended in the meantime.
      }
    }
  }
}

afterAll(() => {
  for (const run of started) run.destroy();
  rmSync(dir, { recursive: true, force: true });
});

const runFolder = (data: string): string[] => readdirSync(join(data, 'run'));
async function up(data: string): Promise<NpmRun> {
  const run = new NpmRun('up', '--port', String(await freePort()), '--data', data);
  await run.said(/^ready http\S+$/m);
  return run;
}

describe('npm run up', () => {
  it.each([
    ['SIGTERM', 'npm'],
    ['SIGKILL', 'npm'],
    // Every other test ends the stack with Ctrl-C: SIGINT to the group.
    ['SIGHUP', 'the group'],
    ['SIGKILL', 'the group'],
    ['SIGKILL', 'the supervisor'],
  ] as const)(
    'leaves no process after %s to %s, and starts again',
    async (signal, target) => {
      const data = join(dir, 'up');
      const run = await up(data);
      const pids = readPids(data);
      expect(pids.size).toBe(SERVICE_PROGRAMS.length + ['nats', 'stack'].length);
      const target_ = { npm: run.pid, 'the group': -run.pid, 'the supervisor': pids.get('stack') ?? 0 };
      process.kill(target_[target], signal);
      await run.gone();
      // A stop in order leaves no pid file. After a kill, the guard removes the files.
      expect(runFolder(data).filter((name) => name.endsWith('.pid') && name !== 'stack.pid')).toEqual([]);
    },
    HANG_MS,
  );

  it(
    'starts on the folder of a stack whose supervisor and guard were killed, and ends its processes',
    async () => {
      const data = join(dir, 'up');
      const run = await up(data);
      const pids = readPids(data);
      const supervisor = pids.get('stack') ?? 0;
      const others = processesWith('stack.guard.js').filter((line) => line.includes(data));
      expect(others).toHaveLength(1);
      process.kill(Number.parseInt(others[0] ?? '', 10), 'SIGKILL');
      process.kill(supervisor, 'SIGKILL');
      const again = await up(data);
      await run.gone();
      expect([...readPids(data).values()].some((pid) => [...pids.values()].includes(pid))).toBe(false);
      expect((await new ApiClient(urlsIn(data).gateway).call('/readyz')).status).toBe(200);
      process.kill(again.pid, 'SIGTERM');
      await again.gone();
      expect(runFolder(data).filter((name) => name.endsWith('.pid'))).toEqual([]);
    },
    HANG_MS,
  );
});

describe('other commands', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'npm run demo ends with all its processes after %s to npm',
    async (signal) => {
      const data = join(dir, 'demo');
      const run = new NpmRun(
        'demo',
        '--scenes',
        '3',
        '--duration',
        '9',
        '--data',
        data,
        '--out',
        join(dir, 'demo.mp4'),
      );
      await run.said(/▸/);
      process.kill(run.pid, signal);
      await run.gone();
    },
    HANG_MS,
  );

  it.each(['SIGHUP'] as const)(
    'npm run test:integration ends with its servers after %s to npm',
    async (signal) => {
      const run = new NpmRun('test:integration', 'libs/messaging/test/settlement');
      await eventually('a server of the tests', HANG_MS, () =>
        processesWith(run.mark).some((line) => /^\d+ \S*nats-server -js/.test(line)) ? true : undefined,
      );
      process.kill(run.pid, signal);
      await run.gone();
    },
    HANG_MS,
  );

  it.each(['SIGTERM'] as const)(
    'npm run bench ends with its stacks after %s to npm',
    async (signal) => {
      const run = new NpmRun('bench', 'parallel');
      await eventually('a service of a stack', HANG_MS, () =>
        processesWith(run.mark).some((line) => line.includes('dist/services/planner.js')) ? true : undefined,
      );
      process.kill(run.pid, signal);
      await run.gone();
    },
    HANG_MS,
  );
});

it('every script that starts processes begins with exec node, so that signals to npm reach it', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const commands = Object.entries(scripts).filter(([, line]) => /deploy\/local\/(run|jest)\.mjs/.test(line));
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter(([, line]) => !line.startsWith('exec node '))).toEqual([]);
});
