import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Step = 'overlay' | 'join';
/** A pattern that only the arguments of the step match. */
const MARKS: Readonly<Record<Step, string>> = { overlay: '*libx264*', join: '*concat*' };

/** ffmpeg processes of the sandbox draw clips of the provider, and are never held. */
const DRAWING = '  *sine=frequency*) ;;';

/** An ffmpeg whose steps wait while they are held, so that a test can act during a step. */
export class HeldFfmpeg {
  private readonly folder = mkdtempSync(join(tmpdir(), 'clipmesh-ffmpeg-'));
  readonly path = join(this.folder, 'ffmpeg');

  constructor() {
    const real = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
    const cases = (Object.keys(MARKS) as Step[]).map(
      (step) =>
        `  ${MARKS[step]}) while [ -e "${this.heldFile(step)}" ]; do : > "${this.seenFile(step)}"; sleep 0.1; done ;;`,
    );
    writeFileSync(
      this.path,
      ['#!/bin/sh', 'case "$*" in', DRAWING, ...cases, 'esac', `exec ${real} "$@"`, ''].join('\n'),
    );
    chmodSync(this.path, 0o755);
  }

  hold(step: Step): void {
    writeFileSync(this.heldFile(step), '');
  }

  /** Whether a process has reached the step since it is held. */
  waits(step: Step): boolean {
    return existsSync(this.seenFile(step));
  }

  release(): void {
    for (const step of Object.keys(MARKS) as Step[])
      for (const file of [this.heldFile(step), this.seenFile(step)]) rmSync(file, { force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private heldFile(step: Step): string {
    return join(this.folder, `${step}.held`);
  }

  private seenFile(step: Step): string {
    return join(this.folder, `${step}.seen`);
  }
}
