import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * An ffmpeg for stacks whose times are compared. The sandbox's drawing, which no real provider does on this machine, takes
 * only what CPU the services leave; and every overlay may rest first, so that overlays take their time on any machine,
 * however busy, and do not slow each other down.
 */
export class SlowFfmpeg {
  private readonly folder = mkdtempSync(join(tmpdir(), 'clipmesh-ffmpeg-'));
  readonly path = join(this.folder, 'ffmpeg');

  constructor(overlayRestSeconds = 0) {
    const real = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
    const script = [
      '#!/bin/sh',
      'case "$*" in',
      `  *sine=frequency*) exec nice -n 19 ${real} "$@" ;;`,
      ...(overlayRestSeconds > 0 ? [`  *libx264*) sleep ${overlayRestSeconds} ;;`] : []),
      'esac',
      `exec ${real} "$@"`,
    ];
    writeFileSync(this.path, `${script.join('\n')}\n`);
    chmodSync(this.path, 0o755);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
