import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed, so not a package
import { withoutProviders } from '../../../local/paid.environment.mjs';
import { processesWith } from './processes.js';
import { eventually } from '../eventually.js';

export const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const GUARD = join(ROOT, 'deploy/e2e/guard.mjs');

export interface Ended {
  /** Exit code. Undefined when a signal ended the command. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a command. Keys of providers and options of the test runner never reach it. */
export function commandEnvironment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { API_KEYS: _keys, NODE_OPTIONS: _options, ...rest } = withoutProviders(process.env);
  return { ...rest, ...more };
}

/**
 * One command in its own process group. A variable in the environment marks all its processes, at any depth. The command is
 * stopped when the test run is interrupted.
 */
export class Command {
  readonly mark = `CLIPMESH_E2E_MARK=${randomUUID()}`;
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;
  private readonly closed: Promise<Ended>;
  private over = false;

  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [name = '', value = ''] = this.mark.split('=');
    const child = spawn(process.execPath, [GUARD, join(ROOT, script), ...args], {
      cwd: ROOT,
      env: commandEnvironment({ ...env, [name]: value }),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.closed = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        this.over = true;
        resolve({ code: code ?? undefined, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.closed.catch(() => undefined);
  }

  /** Waits until the output matches `pattern`. Throws when the command ends before that, and after `timeoutMs`. */
  said(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return eventually(`output like ${String(pattern)}`, timeoutMs, () => {
      const match = pattern.exec(this.stdout + this.stderr);
      if (match === null && this.over) throw new Error(`the command ended:\n${this.stdout}${this.stderr}`);
      return match ?? undefined;
    });
  }

  /** Interrupts like Ctrl-C in a terminal: the whole foreground group gets the signal. */
  interruptGroup(): void {
    if (this.child.pid !== undefined && !this.over) process.kill(-this.child.pid, 'SIGINT');
  }

  /** Closes the reader of the output, as `| head` does. */
  stopReading(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  /** Resolves when the command has ended. After `timeoutMs` it kills the command and rejects. */
  async end(timeoutMs: number): Promise<Ended> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`the command did not end within ${timeoutMs} ms:\n${this.stdout}${this.stderr}`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([this.closed, overdue]);
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Running processes of the command, itself included. */
  leftovers(): string[] {
    return processesWith(this.mark);
  }

  /** Kills every process of the command, after a failed test. */
  destroy(): void {
    for (const line of this.leftovers()) {
      try {
        process.kill(Number.parseInt(line, 10), 'SIGKILL');
      } catch {
        // It has ended in the meantime.
      }
    }
  }
}
