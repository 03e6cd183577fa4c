import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { connectBroker, readBacklog } from '@clipmesh/messaging';
import { filesUnder } from '@clipmesh/testing';
import { eventually } from '../eventually.js';
import { type LocalStack } from './local.stack.js';

const CLEANED_MS = 120_000;

/** Waits until the stack has cleaned up. Returns what is still left over after the timeout; empty when nothing is. */
export async function cleaned(stack: LocalStack): Promise<string[]> {
  let left: string[] = [];
  try {
    return await eventually('nothing left over', CLEANED_MS, async () => {
      left = await leftovers(stack);
      return left.length === 0 ? left : undefined;
    });
  } catch (error) {
    // A failed check must not count as clean.
    if (left.length === 0) throw error;
    return left;
  }
}

/** A music bed, which a stitcher keeps while it runs. */
const BED = /\/bed-\w+\.wav$/;

/** What an idle stack must not have: commands, unhandled events, ffmpeg processes, temporary files that are not kept. */
async function leftovers(stack: LocalStack): Promise<string[]> {
  const connection = await connectBroker({ url: stack.urls.nats, name: 'e2e', graceMs: 10_000 });
  try {
    const { generations, directorLag } = await readBacklog(connection);
    return [
      ...[...generations].map((id) => `a command of ${id}`),
      ...(directorLag > 0 ? [`${directorLag} events`] : []),
      ...ffmpegOf(stack).map((line) => `process ${line}`),
      ...(await filesUnder(join(stack.dataDir, 'tmp'))).filter((path) => !BED.test(path)).map((path) => `file ${path}`),
    ];
  } finally {
    await connection.close();
  }
}

/** The ffmpeg processes of this stack, without those of the sandbox. */
export function ffmpegOf({ dataDir }: LocalStack): string[] {
  return execFileSync('ps', ['axww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    .split('\n')
    .filter((line) => line.includes('ffmpeg') && line.includes(dataDir) && !line.includes('/sandbox/'))
    .map((line) => line.trim().slice(0, 160));
}
