import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { within } from './until.js';

export interface ServerProcess {
  readonly pid: number;
  /** What the ready line's pattern has caught. */
  readonly ready: RegExpExecArray;
  running(): boolean;
  /** Resolves when the process is gone; SIGKILL follows when the signal has not ended it within 60 s. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface ServerSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Found in what it says on stdout or stderr once it can be used. */
  readonly ready: RegExp;
  readonly deadlineMs: number;
}

const END_MS = 60_000;
const TAIL_CHARS = 4000;
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The processes of {@link startServer} that still run. */
export const runningServers = (): readonly string[] =>
  [...running].map((child) => `${child.spawnfile} (pid ${child.pid ?? '?'})`);

/** util-linux: the kernel kills the server when the process that started it has died, by whatever signal. */
const WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;
let withParent: readonly string[] | undefined;
function withParentPrefix(): readonly string[] {
  const [program, ...options] = WITH_PARENT;
  // busybox has a program of that name without the option.
  withParent ??=
    process.platform === 'linux' && spawnSync(program, [...options, program, '--version']).status === 0
      ? WITH_PARENT
      : [];
  return withParent;
}

/** Starts a server and waits for its ready line. Throws with its last words when it ends or stays silent. */
export async function startServer(spec: ServerSpec): Promise<ServerProcess> {
  const [program = '', ...args] = [...withParentPrefix(), spec.command, ...spec.args];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    ...(spec.env === undefined ? {} : { env: spec.env }),
  });
  running.add(child);
  let said = '';
  const gone = new Promise<void>((resolve) => {
    const over = (): void => {
      running.delete(child);
      resolve();
    };
    child.once('exit', over);
    child.once('error', (error) => {
      said += error.message;
      if (child.pid === undefined) over();
    });
  });
  const ready = new Promise<RegExpExecArray>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-TAIL_CHARS);
        const found = spec.ready.exec(said);
        if (found !== null) resolve(found);
      });
    }
  });
  const alive = (): boolean => running.has(child);
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (!alive()) return;
    child.kill(signal);
    await within(gone, END_MS, 'the end').catch(() => child.kill('SIGKILL'));
    await within(gone, END_MS, `the end of ${spec.command}`);
  };
  try {
    const early = gone.then(() => {
      throw new Error(`${spec.command} ended before it was ready`);
    });
    const found = await within(Promise.race([ready, early]), spec.deadlineMs, `the start of ${spec.command}`);
    return { pid: child.pid ?? 0, ready: found, running: alive, end };
  } catch (cause) {
    await end('SIGKILL');
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; it said: ${said.trim()}`, { cause });
  }
}
