import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed: no package of ours
import { findServerOrSkip } from '../../../../deploy/test-servers/find.server.mjs';
import { type ServerProcess, startServer } from '../child.process.js';
import { freePort } from './free.port.js';
import { until } from '../until.js';

const START_TIMEOUT_MS = 120_000;
/** The model of the tests. */
const MODEL = join(import.meta.dirname, '../../../../deploy/test-servers/cog');

export type CogProgram = Exclude<NonNullable<Awaited<ReturnType<typeof findServerOrSkip>>>, { url: string }>;

/** Finds Cog's server, or builds it. Logs and resolves with undefined when there is none. */
export async function findCog(): Promise<CogProgram | undefined> {
  const found = await findServerOrSkip('cog');
  return found === undefined || 'url' in found ? undefined : found;
}

export interface Cog {
  readonly url: string;
  readonly server: ServerProcess;
  /** The status that its health check shows. */
  status(): Promise<string>;
}

export interface CogOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** A folder by which {@link CogControl} controls the model. Default: none. */
  readonly controlFolder?: string;
}

/** A prediction that the model of the tests ran. */
export interface CogRun {
  readonly prompt: string;
  /** `processing`: it runs, or its process was killed. */
  readonly status: 'processing' | 'succeeded' | 'failed' | 'canceled';
}

/** Controls the model of the tests in servers with this folder, and counts what they run. */
export class CogControl {
  constructor(readonly folder: string) {}

  /** No prediction ends before {@link release}. */
  async hold(): Promise<void> {
    await writeFile(join(this.folder, 'hold'), '');
  }

  async release(): Promise<void> {
    await rm(join(this.folder, 'hold'), { force: true });
  }

  /** What the model ran since the last {@link clear}, oldest first. */
  async runs(): Promise<CogRun[]> {
    const text = await readFile(this.#runsFile, 'utf8').catch(() => '');
    const runs = new Map<string, CogRun>();
    for (const line of text.split('\n').filter(Boolean)) {
      const { run, ...rest } = JSON.parse(line) as CogRun & { run: string };
      runs.set(run, rest);
    }
    return [...runs.values()];
  }

  async clear(): Promise<void> {
    await rm(this.#runsFile, { force: true });
  }

  get #runsFile(): string {
    return join(this.folder, 'runs.jsonl');
  }
}

/** Starts a Cog server with the model of the tests, and waits until it is ready. */
export async function startCog({ command, args }: CogProgram, { port, controlFolder }: CogOptions = {}): Promise<Cog> {
  const own = port ?? (await freePort());
  const url = `http://127.0.0.1:${own}`;
  const server = await startServer({
    command,
    args,
    cwd: MODEL,
    // Cog starts its worker as `python` from PATH.
    env: {
      ...process.env,
      PATH: `${dirname(command)}:${process.env['PATH'] ?? ''}`,
      COG_PREDICT_TYPE_STUB: 'predict.py:Runner',
      PORT: String(own),
      PYTHONDONTWRITEBYTECODE: '1',
      ...(controlFolder === undefined ? {} : { CONTROL_FOLDER: controlFolder }),
    },
    ready: /./,
    deadlineMs: START_TIMEOUT_MS,
  });
  const status = async (): Promise<string> =>
    ((await (await fetch(`${url}/health-check`)).json()) as { status: string }).status;
  await until(async () => (await status().catch(() => '')) === 'READY', START_TIMEOUT_MS, 'a ready Cog server');
  return { url, server, status };
}
