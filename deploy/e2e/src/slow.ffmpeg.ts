import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * An ffmpeg that rests before every overlay: overlays that take their time on any machine, however busy, and that do not
 * slow each other down. The sandbox's own drawing and everything else go on as ever.
 */
export class SlowFfmpeg {
  private readonly folder = mkdtempSync(join(tmpdir(), 'clipmesh-ffmpeg-'));
  readonly path = join(this.folder, 'ffmpeg');

  constructor(seconds: number) {
    const real = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
    const script = ['#!/bin/sh', 'case "$*" in', '  *sine=frequency*) ;;', `  *libx264*) sleep ${seconds} ;;`, 'esac'];
    writeFileSync(this.path, `${script.join('\n')}\nexec ${real} "$@"\n`);
    chmodSync(this.path, 0o755);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
