import { join } from 'node:path';
import { type ServerProcess, startServer } from '../child.process.js';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const START_TIMEOUT_MS = 120_000;

/**
 * Starts a service as a process from `services/<service>/dist`, which must be built, with these settings besides the environment, and
 * waits until it says so.
 */
export function startService(
  service: string,
  settings: Readonly<Record<string, string>>,
  ready = /"msg":"ready"/,
): Promise<ServerProcess> {
  const cwd = join(ROOT, 'services', service);
  return startServer({
    command: process.execPath,
    args: [join(cwd, 'dist', 'main.js')],
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', ...settings },
    ready,
    deadlineMs: START_TIMEOUT_MS,
  });
}
