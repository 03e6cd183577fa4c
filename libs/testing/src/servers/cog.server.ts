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

/** Starts a Cog server with the model of the tests, on `port` (default: a free one), and waits until it is ready. */
export async function startCog({ command, args }: CogProgram, port?: number): Promise<Cog> {
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
    },
    ready: /./,
    deadlineMs: START_TIMEOUT_MS,
  });
  const status = async (): Promise<string> =>
    ((await (await fetch(`${url}/health-check`)).json()) as { status: string }).status;
  await until(async () => (await status().catch(() => '')) === 'READY', START_TIMEOUT_MS, 'a ready Cog server');
  return { url, server, status };
}
