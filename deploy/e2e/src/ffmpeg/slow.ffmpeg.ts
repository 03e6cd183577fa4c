import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * An ffmpeg for stacks whose times are compared. It draws the clips of the sandbox once for each size and length, because a
 * real provider does not use this machine. Every overlay may sleep first, so that overlays take the same time on any
 * machine and do not slow each other down.
 */
export class SlowFfmpeg {
  private readonly folder = mkdtempSync(join(tmpdir(), 'clipmesh-ffmpeg-'));
  readonly path = join(this.folder, 'ffmpeg');

  constructor(overlayRestSeconds = 0) {
    const real = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
    const script = [
      '#!/bin/sh',
      'case "$*" in',
      '  *sine=frequency*)',
      '    for output in "$@"; do :; done',
      `    drawn="${this.folder}/$(echo "$*" | grep -oE '(crop|:duration)=[0-9.]+(:[0-9]+)?' | tr -d '\\n').mp4"`,
      '    [ -f "$drawn" ] && exec cp "$drawn" "$output"',
      `    ${real} "$@" && cp "$output" "$drawn.$$" && mv "$drawn.$$" "$drawn"`,
      '    exit ;;',
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
