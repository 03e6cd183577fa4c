import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { within } from './until.js';

export interface ServerProcess {
  readonly pid: number;
  /** The match of the ready pattern. */
  readonly ready: RegExpExecArray;
  running(): boolean;
  /** Sends the signal, and SIGKILL if the process has not exited after 60 s. Resolves when it has exited. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface ServerSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Matches the output on stdout or stderr once the server is ready. */
  readonly ready: RegExp;
  readonly deadlineMs: number;
}

const END_TIMEOUT_MS = 60_000;
const TAIL_CHARS = 4000;
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Descriptions of the running processes of {@link startServer}. */
export const runningServers = (): readonly string[] =>
  [...running].map((child) => `${child.spawnfile} (pid ${child.pid ?? '?'})`);

/** With util-linux, the kernel kills the server when the process that started it dies, by any signal. */
const PARENT_DEATH_PREFIX = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;
let cachedPrefix: readonly string[] | undefined;
function parentDeathPrefix(): readonly string[] {
  const [program, ...options] = PARENT_DEATH_PREFIX;
  // busybox's setpriv lacks the option.
  cachedPrefix ??=
    process.platform === 'linux' && spawnSync(program, [...options, program, '--version']).status === 0
      ? PARENT_DEATH_PREFIX
      : [];
  return cachedPrefix;
}

/** Starts a server and waits until it is ready. Throws with its last output when it exits or the deadline passes. */
export async function startServer(spec: ServerSpec): Promise<ServerProcess> {
  const [program = '', ...args] = [...parentDeathPrefix(), spec.command, ...spec.args];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    ...(spec.env === undefined ? {} : { env: spec.env }),
  });
  running.add(child);
  let output = '';
  const exited = new Promise<void>((resolve) => {
    const onExit = (): void => {
      running.delete(child);
      resolve();
    };
    child.once('exit', onExit);
    child.once('error', (error) => {
      output += error.message;
      if (child.pid === undefined) onExit();
    });
  });
  const ready = new Promise<RegExpExecArray>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-TAIL_CHARS);
        const found = spec.ready.exec(output);
        if (found !== null) resolve(found);
      });
    }
  });
  const isRunning = (): boolean => running.has(child);
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (!isRunning()) return;
    child.kill(signal);
    await within(exited, END_TIMEOUT_MS, 'the exit').catch(() => child.kill('SIGKILL'));
    await within(exited, END_TIMEOUT_MS, `the exit of ${spec.command}`);
  };
  try {
    const early = exited.then(() => {
      throw new Error(`${spec.command} exited before it was ready`);
    });
    const found = await within(Promise.race([ready, early]), spec.deadlineMs, `the start of ${spec.command}`);
    return { pid: child.pid ?? 0, ready: found, running: isRunning, end };
  } catch (cause) {
    await end('SIGKILL');
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; output: ${output.trim()}`, { cause });
  }
}
