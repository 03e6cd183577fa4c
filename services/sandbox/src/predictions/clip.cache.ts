import { createHash } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cutText } from '@clipmesh/contracts';
import { type ImageFile } from '../files/upload.store.js';

export interface RenderInput {
  readonly output: string;
  readonly seed: number;
  readonly label: string;
  readonly durationSeconds: number;
  readonly width: number;
  readonly height: number;
  /** Path of the first frame's image. Default: none. */
  readonly image?: string;
}

/** Renders one MP4 to `output`. Aborting the signal stops it. */
export interface SandboxRenderer {
  render(input: RenderInput, context: { readonly signal: AbortSignal }): Promise<unknown>;
}

export interface ClipSpec {
  readonly seed: number;
  readonly prompt: string;
  readonly seconds: number;
  readonly width: number;
  readonly height: number;
  readonly image?: ImageFile;
}

/** The hash of a clip. Equal hashes mean equal bytes. */
export function clipHash({ seed, prompt, seconds, width, height, image }: ClipSpec): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, prompt, seconds, width, height, image?.sha256 ?? null]))
    .digest('hex');
}

/** Characters of a prompt that the animatic can show. */
const LABEL_LIMIT = 4000;

/** Clips on disk by hash. A file is complete or does not exist. */
export class ClipCache {
  constructor(
    private readonly dir: string,
    private readonly renderer: SandboxRenderer,
  ) {}

  /** Returns the clip's file, rendering it if needed. `owner` makes the names of temporary files unique. */
  async get(spec: ClipSpec, owner: string, signal: AbortSignal): Promise<string> {
    const hash = clipHash(spec);
    const file = join(this.dir, `${hash}.mp4`);
    if (await exists(file)) return file;
    await mkdir(this.dir, { recursive: true });
    const output = join(this.dir, `${hash}.${owner}.part.mp4`);
    const { width, height, seconds, image } = spec;
    const background = image === undefined ? {} : { image: image.file };
    // The render seed comes from the hash, so that scenes with the same seed look different.
    const seed = Number.parseInt(hash.slice(0, 8), 16) & 0x7fff_ffff;
    const label = cutText(spec.prompt.replace(/\s+/g, ' '), LABEL_LIMIT);
    try {
      await this.renderer.render(
        { output, seed, label, durationSeconds: seconds, width, height, ...background },
        { signal },
      );
      signal.throwIfAborted();
      // Keep the file of a concurrent render, because it may be in download.
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
