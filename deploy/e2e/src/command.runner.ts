import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { processesWith } from './processes.js';
import { eventually } from './eventually.js';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
const GUARD = join(ROOT, 'deploy/e2e/guard.mjs');

export interface Ended {
  /** Exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Providers' keys never reach a test's processes, whatever the developer's shell holds. */
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const {
    REPLICATE_API_TOKEN: _token,
    OPENAI_API_KEY: _key,
    API_KEYS: _keys,
    NODE_OPTIONS: _options,
    ...rest
  } = process.env;
  return { ...rest, ...more };
}

/**
 * One command in a process group of its own. Every process of it, however deep, carries a mark that finds it again,
 * and it is stopped when the test run is interrupted.
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
      env: environment({ ...env, [name]: value }),
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

  /** What the command has said so far matches `pattern`; throws when it ended without or `timeoutMs` has passed. */
  said(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return eventually(`output like ${String(pattern)}`, timeoutMs, () => {
      const match = pattern.exec(this.stdout + this.stderr);
      if (match === null && this.over) throw new Error(`the command ended:\n${this.stdout}${this.stderr}`);
      return match ?? undefined;
    });
  }

  /** As a terminal's Ctrl-C does: the whole foreground group gets it. */
  interruptGroup(): void {
    if (this.child.pid !== undefined && !this.over) process.kill(-this.child.pid, 'SIGINT');
  }

  /** Whoever read the output goes away, as `| head` does. */
  stopReading(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  /** Resolves when the command is over; after `timeoutMs` it is killed and the call rejects. */
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

  /** Processes of the command that are alive, itself included. */
  leftovers(): string[] {
    return processesWith(this.mark);
  }

  /** The way out of a failed test: every process of the command is killed. */
  destroy(): void {
    for (const line of this.leftovers()) {
      try {
        process.kill(Number.parseInt(line, 10), 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    }
  }
}
