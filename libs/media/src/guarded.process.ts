import { spawn, type ChildProcess } from 'node:child_process';
import { cpuMsOfProcess } from './process.cpu.js';
import { type ProcessEnd } from './process-outcome.js';

export interface Guard {
  /** Kills at once. */
  readonly signal: AbortSignal;
  /** Kills after this long without progress. */
  readonly idleTimeoutMs: number;
  /** Processes alive: the child is in it from its start to its end. */
  readonly alive: Set<ChildProcess>;
  /** Takes a piece of standard output; true when it proves progress. */
  readonly read: (text: string) => boolean;
}
export interface GuardedEnd extends Omit<ProcessEnd, 'tool'> {
  /** CPU time of the process and of its own children that have ended, ms; undefined where the system does not say. */
  readonly cpuMs: number | undefined;
}

/** Output that is still in the pipe when the process has ended is waited for this long. */
const DRAIN_MS = 2000;
/** A killed process that the kernel cannot end yet (a hanging disk) is waited for this long. */
const KILL_MS = 10_000;
const STDERR_LIMIT = 16_384;

/** Runs one process without a shell. Never rejects and never waits for ever: an idle or aborted process is killed. */
export function runGuarded(file: string, args: readonly string[], guard: Guard): Promise<GuardedEnd> {
  return new Promise((resolve) => {
    let exitCode: number | undefined;
    let exitSignal: string | undefined;
    let killed: ProcessEnd['killed'];
    let cause: unknown;
    let stderr = '';
    let cpuMs: number | undefined;
    let late: NodeJS.Timeout | undefined;
    const idle = setTimeout(() => {
      kill('idle');
    }, guard.idleTimeoutMs);
    const settle = (): void => {
      clearTimeout(idle);
      clearTimeout(late);
      guard.signal.removeEventListener('abort', abort);
      resolve({ exitCode, signal: exitSignal, killed, stderr, cause, cpuMs });
    };
    const kill = (why: 'abort' | 'idle'): void => {
      if (child === undefined || !guard.alive.has(child) || killed !== undefined) return;
      killed = why;
      child.kill('SIGKILL');
      late = setTimeout(settle, KILL_MS);
    };
    const abort = (): void => {
      kill('abort');
    };
    const child = start(file, args, (error) => {
      cause = error;
      if (child?.pid === undefined) settle();
    });
    if (child?.pid === undefined) return;
    guard.alive.add(child);
    guard.signal.addEventListener('abort', abort, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (guard.read(text)) idle.refresh();
    });
    // A process closes its output when it ends, and its times can be read until the event loop has reaped it, which it
    // does after the reads of the same turn.
    child.stdout?.once('end', () => {
      cpuMs = child.pid === undefined ? undefined : cpuMsOfProcess(child.pid);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_LIMIT);
    });
    child.once('exit', (code, signal) => {
      guard.alive.delete(child);
      exitCode = code ?? undefined;
      exitSignal = signal ?? undefined;
      clearTimeout(idle);
      clearTimeout(late);
      late = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        settle();
      }, DRAIN_MS);
    });
    child.once('close', settle);
    if (guard.signal.aborted) abort();
  });
}

/** Some failures to start are thrown, others are told by an event. */
function start(file: string, args: readonly string[], failed: (error: unknown) => void): ChildProcess | undefined {
  try {
    return spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true }).on('error', failed);
  } catch (error) {
    queueMicrotask(() => {
      failed(error);
    });
    return undefined;
  }
}
