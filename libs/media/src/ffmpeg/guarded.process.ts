import { spawn, type ChildProcess } from 'node:child_process';
import { cpuMsOfProcess } from './process.cpu.js';
import { type ProcessEnd } from './process.outcome.js';

export interface Guard {
  /** Aborting it kills the process. */
  readonly signal: AbortSignal;
  /** Kills the process after this long without progress. */
  readonly idleTimeoutMs: number;
  /** Running processes. Contains the child from its start to its exit. */
  readonly alive: Set<ChildProcess>;
  /** Receives a chunk of standard output. Returns whether it shows progress. */
  readonly read: (text: string) => boolean;
  /** Receives every chunk of standard error. Default: nobody. */
  readonly onLog?: ((text: string) => void) | undefined;
  /** Text for standard input, in UTF-8. Default: standard input is closed. */
  readonly input?: string;
}
export interface GuardedEnd extends Omit<ProcessEnd, 'tool'> {
  /** CPU time of the process and of its ended children, ms; undefined when the system does not report it. */
  readonly cpuMs: number | undefined;
}

/** Longest wait for output in the pipe after the process has exited, ms. */
const DRAIN_TIMEOUT_MS = 2000;
/** Longest wait for the exit of a killed process, which a hanging disk can delay, ms. */
const KILL_TIMEOUT_MS = 10_000;
const STDERR_LIMIT = 16_384;

/** Runs one process without a shell. Never rejects. Always ends, because it kills an idle or aborted process. */
export function runGuarded(file: string, args: readonly string[], guard: Guard): Promise<GuardedEnd> {
  return new Promise((resolve) => {
    let exitCode: number | undefined;
    let exitSignal: string | undefined;
    let killed: ProcessEnd['killed'];
    let cause: unknown;
    let stderr = '';
    let cpuMs: number | undefined;
    let fallback: NodeJS.Timeout | undefined;
    const idle = setTimeout(() => {
      kill('idle');
    }, guard.idleTimeoutMs);
    const settle = (): void => {
      clearTimeout(idle);
      clearTimeout(fallback);
      guard.signal.removeEventListener('abort', abort);
      resolve({ exitCode, signal: exitSignal, killed, stderr, cause, cpuMs });
    };
    const kill = (why: 'abort' | 'idle'): void => {
      if (child === undefined || !guard.alive.has(child) || killed !== undefined) return;
      killed = why;
      child.kill('SIGKILL');
      fallback = setTimeout(settle, KILL_TIMEOUT_MS);
    };
    const abort = (): void => {
      kill('abort');
    };
    const child = start(file, args, guard.input, (error) => {
      cause = error;
      if (child?.pid === undefined) settle();
    });
    if (child?.pid === undefined) return;
    guard.alive.add(child);
    guard.signal.addEventListener('abort', abort, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (guard.read(text)) idle.refresh();
    });
    // An exiting process closes its output. Its times can be read until the event loop reaps it, which happens after the reads of the
    // same iteration.
    child.stdout?.once('end', () => {
      cpuMs = child.pid === undefined ? undefined : cpuMsOfProcess(child.pid);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      guard.onLog?.(text);
      stderr = (stderr + text).slice(-STDERR_LIMIT);
    });
    child.once('exit', (code, signal) => {
      guard.alive.delete(child);
      exitCode = code ?? undefined;
      exitSignal = signal ?? undefined;
      clearTimeout(idle);
      clearTimeout(fallback);
      fallback = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        settle();
      }, DRAIN_TIMEOUT_MS);
    });
    child.once('close', settle);
    if (guard.signal.aborted) abort();
  });
}

/** Spawn errors are partly thrown and partly emitted; both go to `onError`. */
function start(
  file: string,
  args: readonly string[],
  input: string | undefined,
  onError: (error: unknown) => void,
): ChildProcess | undefined {
  try {
    const stdin = input === undefined ? 'ignore' : 'pipe';
    const child = spawn(file, args, { stdio: [stdin, 'pipe', 'pipe'], windowsHide: true }).on('error', onError);
    // A process that ends before it has read everything says why by its exit code.
    child.stdin?.on('error', () => undefined).end(input);
    return child;
  } catch (error) {
    queueMicrotask(() => {
      onError(error);
    });
    return undefined;
  }
}
