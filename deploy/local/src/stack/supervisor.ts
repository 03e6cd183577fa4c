import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lineSplitter, logLine } from './log.lines.js';
import { removeRecord, signalGroup, writeRecord } from './process.records.js';

export interface ProcessSpec {
  readonly service: string;
  readonly instance: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Part of a line that the process prints, on either stream, when it is ready. */
  readonly ready: string;
  /** Stopped after all others, which need it while they stop. */
  readonly last?: boolean;
}
export interface SupervisorOptions {
  /** `DIR`: pids go to `DIR/run`, logs to `DIR/logs` as JSON lines. */
  readonly dir: string;
  /** Receives a line about every restart. */
  readonly report: (line: string) => void;
  /** How long a process may take to stop before it is killed, ms. */
  readonly stopMs: number;
  /** How long the processes may take to stop after this process was killed, ms; then the guard kills them. */
  readonly orphanStopMs: number;
  readonly firstBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

/** After this run time a process has recovered, and the backoff starts over, ms. */
const STEADY_MS = 30_000;
/** Longest time from SIGKILL to the end of a process, ms. */
const KILL_MS = 3_000;
const GUARD = join(import.meta.dirname, '..', '..', 'dist', 'stack', 'stack.guard.js');

interface Running {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
}
interface Supervised {
  readonly spec: ProcessSpec;
  running?: Running;
}

export const nameOf = ({ service, instance }: Pick<ProcessSpec, 'service' | 'instance'>): string =>
  `${service}.${instance}`;

/**
 * Starts processes in their own groups, restarts those that die, and ends them all. After `stop` no process of any group
 * is left. When this process is killed, a guard process ends them all.
 */
export class Supervisor {
  private readonly all: Supervised[] = [];
  private readonly loops: Promise<void>[] = [];
  private readonly stopping = new AbortController();
  private stopped: Promise<void> | undefined;
  private guard: ChildProcess | undefined;

  constructor(private readonly options: SupervisorOptions) {
    for (const folder of ['run', 'logs']) mkdirSync(join(options.dir, folder), { recursive: true });
  }

  /** Resolves when the process is ready. Rejects with its last output when it ends before that, and after `timeoutMs`. */
  async start(spec: ProcessSpec, timeoutMs: number): Promise<void> {
    this.stopping.signal.throwIfAborted();
    this.guard ??= this.startGuard();
    const entry: Supervised = { spec };
    this.all.push(entry);
    const running = this.spawn(entry);
    const timer = new AbortController();
    try {
      await Promise.race([
        running.ready,
        sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
          throw new Error(
            `${nameOf(spec)} was not ready after ${Math.round(timeoutMs / 1000)} s; see ${this.logOf(spec)}`,
          );
        }),
      ]);
    } finally {
      timer.abort();
    }
    this.loops.push(this.keepAlive(entry, running));
  }

  /** Sends SIGTERM to all, and SIGKILL after `stopMs`; then the same to those with `last`. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  /** Sends SIGKILL to everything. A running `stop` resolves as soon as all have ended. */
  kill(): void {
    this.stopping.abort();
    for (const { running } of this.all) {
      const { pid, exitCode, signalCode } = running?.child ?? {};
      if (pid !== undefined && exitCode === null && signalCode === null) signalGroup(pid, 'SIGKILL');
    }
  }

  logOf(spec: Pick<ProcessSpec, 'service' | 'instance'>): string {
    return join(this.options.dir, 'logs', `${nameOf(spec)}.log`);
  }

  private async stopAll(): Promise<void> {
    this.stopping.abort();
    for (const last of [false, true]) {
      const entries = this.all.filter(({ spec }) => (spec.last ?? false) === last);
      await Promise.all(entries.map((entry) => this.end(entry)));
    }
    await Promise.all(this.loops);
    if (this.guard?.kill('SIGKILL') === true) await once(this.guard, 'exit');
  }

  /** The guard runs in its own session, with a pipe as its stdin. The system closes the pipe when this process ends in any way. */
  private startGuard(): ChildProcess {
    const { dir, orphanStopMs } = this.options;
    const guard = spawn(process.execPath, [GUARD, dir, String(orphanStopMs), String(process.pid)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guard.on('error', (error) => {
      this.options.report(`the guard did not start: ${error.message}`);
    });
    // A broken pipe: the guard has ended.
    guard.stdin.on('error', () => undefined);
    return guard;
  }

  private async end({ running }: Supervised): Promise<void> {
    const pid = running?.child.pid;
    if (running === undefined || pid === undefined) return;
    const within = (ms: number): Promise<unknown> => {
      const timer = new AbortController();
      return Promise.race([
        running.exited,
        sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined),
      ]).finally(() => {
        timer.abort();
      });
    };
    const ended = (): boolean => running.child.exitCode !== null || running.child.signalCode !== null;
    // Only the leader: it decides how its children stop.
    if (!ended()) running.child.kill('SIGTERM');
    await within(this.options.stopMs);
    if (!ended()) signalGroup(pid, 'SIGKILL');
    await within(KILL_MS);
  }

  private async keepAlive(entry: Supervised, first: Running): Promise<void> {
    const { report, firstBackoffMs = 250, maxBackoffMs = 10_000 } = this.options;
    let backoffMs = firstBackoffMs;
    for (let running = first; ; running = this.spawn(entry)) {
      const since = Date.now();
      await running.exited;
      if (this.stopping.signal.aborted) return;
      if (Date.now() - since >= STEADY_MS) backoffMs = firstBackoffMs;
      report(`${nameOf(entry.spec)} ended; restarting in ${backoffMs} ms`);
      await sleep(backoffMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.isStopping()) return;
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
    }
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private spawn(entry: Supervised): Running {
    const { spec } = entry;
    const log = createWriteStream(this.logOf(spec), { flags: 'a' });
    // A full disk must not end the stack; only the log is cut.
    log.on('error', () => undefined);
    const child = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid !== undefined) writeRecord(this.options.dir, nameOf(spec), child.pid, spec.last ?? false);

    let lastOutput = '';
    let markReady: (() => void) | undefined;
    const isReady = new Promise<void>((resolve) => {
      markReady = resolve;
    });
    const lines = (['stdout', 'stderr'] as const).map((name) => {
      const splitter = lineSplitter((line) => {
        log.write(`${logLine(line, spec.service, name, new Date().toISOString())}\n`);
        if (!line.includes(spec.ready)) return;
        markReady?.();
        markReady = undefined;
      });
      child[name].setEncoding('utf8').on('data', (text: string) => {
        lastOutput = (lastOutput + text).slice(-4_000);
        splitter.add(text);
      });
      return splitter;
    });
    // `close` follows the last output. A grandchild that keeps the pipes open would delay it, so `exit` kills the group.
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => {
        if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      });
      child.once('error', (error) => {
        lastOutput += `${error.message}\n`;
        if (child.pid === undefined) resolve();
      });
      child.once('close', () => {
        resolve();
      });
    }).then(async () => {
      removeRecord(this.options.dir, nameOf(spec));
      for (const splitter of lines) splitter.end();
      log.end();
      await finished(log).catch(() => undefined);
    });
    const ready = Promise.race([
      isReady,
      exited.then(() => {
        throw new Error(`${nameOf(spec)} did not start: ${reasonIn(lastOutput)}`);
      }),
    ]);
    // Nobody awaits a restart; its end is observed through `exited`.
    ready.catch(() => undefined);
    const running = { child, ready, exited };
    entry.running = running;
    return running;
  }
}

/** The line with the reason: that of an uncaught error, before its stack and Node's footer, else the last line. */
function reasonIn(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !line.startsWith('Node.js v'));
  return said.findLast((line) => /^(\w*Error)\b.*: /.test(line)) ?? said.at(-1) ?? 'no output';
}
