import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@clipmesh/testing';
import { z } from 'zod';
import { Command, type Ended } from './command.runner.js';
import { isAlive, readPids } from './processes.js';

const READY_MS = 120_000;
const STOP_MS = 120_000;
const urlsSchema = z.object({ gateway: z.url(), sandbox: z.url(), nats: z.url(), jaeger: z.url().optional() });

export type StackUrls = z.infer<typeof urlsSchema>;

/** `DIR/run/stack.json` of a ready stack. */
export function urlsIn(dataDir: string): StackUrls {
  return urlsSchema.parse(JSON.parse(readFileSync(join(dataDir, 'run', 'stack.json'), 'utf8')));
}

export interface LocalStackOptions {
  /** Further arguments of `up`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Port of the gateway. Default: a free one. */
  readonly port?: number;
}

/** For tests that do not check pictures: encoding takes a fraction of the time. */
export const CHEAP_PICTURES = { FFMPEG_PRESET: 'ultrafast' } as const;

/** The local stack, started by its command on its own port and data folder. */
export class LocalStack {
  private constructor(
    readonly command: Command,
    readonly dataDir: string,
    readonly port: number,
    readonly urls: StackUrls,
  ) {}

  static async start({ args = [], env = {}, ...options }: LocalStackOptions = {}): Promise<LocalStack> {
    const dataDir = mkdtempSync(join(tmpdir(), 'clipmesh-e2e-'));
    const port = options.port ?? (await freePort());
    const command = new Command('deploy/local/dist/up.js', ['--port', String(port), '--data', dataDir, ...args], env);
    try {
      await command.said(/^ready http\S+$/m, READY_MS);
      return new LocalStack(command, dataDir, port, urlsIn(dataDir));
    } catch (error) {
      command.destroy();
      rmSync(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  /** Pids by name, from `DIR/run`. The process of the stack is `stack`. */
  pids(): Map<string, number> {
    return readPids(this.dataDir);
  }

  /** Log lines of a process, for example `planner.1`. */
  log(name: string): string[] {
    return readFileSync(join(this.dataDir, 'logs', `${name}.log`), 'utf8').split('\n');
  }

  /** Stops the stack like Ctrl-C. Throws when a process of the stack is left. */
  async stop(): Promise<Ended> {
    const pids = this.pids();
    try {
      this.command.interruptGroup();
      const ended = await this.command.end(STOP_MS);
      const alive = [...pids].filter(([, pid]) => isAlive(pid)).map(([name]) => name);
      const left = [...alive, ...this.command.leftovers(), ...readPids(this.dataDir).keys()];
      if (left.length > 0) throw new Error(`the stack left behind: ${left.join(', ')}`);
      return ended;
    } finally {
      this.command.destroy();
      rmSync(this.dataDir, { recursive: true, force: true });
    }
  }
}
