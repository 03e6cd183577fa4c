import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connectBroker, readBacklog } from '@clipmesh/messaging';
import { type LocalStack } from './local.stack.js';

/** What a quiet stack must not have: commands, events nobody handled, ffmpeg processes, temporary files. */
export async function leftovers(stack: LocalStack): Promise<string[]> {
  const connection = await connectBroker({ url: stack.urls.nats, name: 'e2e', graceMs: 10_000 });
  try {
    const { generations, directorLag } = await readBacklog(connection);
    return [
      ...[...generations].map((id) => `a command of ${id}`),
      ...(directorLag > 0 ? [`${directorLag} events`] : []),
      ...ffmpegOf(stack).map((line) => `process ${line}`),
      ...temporaryFiles(stack).map((path) => `file ${path}`),
    ];
  } finally {
    await connection.close();
  }
}

/** The ffmpeg processes that work for this stack. */
export function ffmpegOf({ dataDir }: LocalStack): string[] {
  return execFileSync('ps', ['axww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    .split('\n')
    .filter((line) => line.includes('ffmpeg') && line.includes(dataDir) && !line.includes('/sandbox/'))
    .map((line) => line.trim().slice(0, 160));
}

function temporaryFiles({ dataDir }: LocalStack): string[] {
  const root = join(dataDir, 'tmp');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
