import { createHash } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cutText } from '@clipmesh/contracts';
import { type Picture } from './upload.desk.js';

export interface RenderInput {
  readonly output: string;
  readonly seed: number;
  readonly label: string;
  readonly durationSeconds: number;
  readonly width: number;
  readonly height: number;
  /** A file that the clip begins from. */
  readonly image?: string;
}

/** Draws one MP4 to `output`; aborting the signal ends the work. */
export interface SandboxRenderer {
  render(input: RenderInput, context: { readonly signal: AbortSignal }): Promise<unknown>;
}

export interface ClipSpec {
  readonly seed: number;
  readonly prompt: string;
  readonly seconds: number;
  readonly width: number;
  readonly height: number;
  readonly picture?: Picture;
}

/** The same clip has the same hash, and so the same bytes. */
export function clipHash({ seed, prompt, seconds, width, height, picture }: ClipSpec): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, prompt, seconds, width, height, picture?.sha256 ?? null]))
    .digest('hex');
}

const LABEL_LIMIT = 48;

/** Clips on disk by hash; a clip is there whole or not at all. */
export class ClipCache {
  constructor(
    private readonly dir: string,
    private readonly renderer: SandboxRenderer,
  ) {}

  /** The clip's file, rendered unless it is there. `owner` keeps the temporary files of two renders apart. */
  async get(spec: ClipSpec, owner: string, signal: AbortSignal): Promise<string> {
    const hash = clipHash(spec);
    const file = join(this.dir, `${hash}.mp4`);
    if (await exists(file)) return file;
    await mkdir(this.dir, { recursive: true });
    const output = join(this.dir, `${hash}.${owner}.part.mp4`);
    const { width, height, seconds, picture } = spec;
    const background = picture === undefined ? {} : { image: picture.file };
    // The drawing's seed is taken from the hash, so that scenes which share a seed still look different.
    const seed = Number.parseInt(hash.slice(0, 8), 16) & 0x7fff_ffff;
    const label = cutText(spec.prompt.replace(/\s+/g, ' '), LABEL_LIMIT);
    try {
      await this.renderer.render(
        { output, seed, label, durationSeconds: seconds, width, height, ...background },
        { signal },
      );
      signal.throwIfAborted();
      // A twin may have been quicker: its bytes are kept, so that a download in progress never changes.
      if (!(await exists(file))) await rename(output, file);
      return file;
    } finally {
      await rm(output, { force: true });
    }
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
