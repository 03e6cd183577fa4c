import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MusicMood } from '@clipmesh/contracts';
import { renderBed } from './bed.render.js';

/** The music beds of a process: each is rendered when it is first needed, into a folder that the process owns. */
export class BedFiles {
  private readonly files = new Map<MusicMood, Promise<string>>();
  constructor(private readonly directory: string) {}

  /** The WAV file of a mood's bed, seamless. Rejects when it cannot be written; the next call tries again. */
  file(mood: MusicMood): Promise<string> {
    const made = (this.files.get(mood) ?? Promise.reject(new Error('not rendered yet')))
      // An external sweep may have removed the file.
      .then(async (file) => access(file).then(() => file))
      .catch(() => this.write(mood));
    this.files.set(mood, made);
    return made;
  }

  private async write(mood: MusicMood): Promise<string> {
    const file = join(this.directory, `bed-${mood}.wav`);
    await mkdir(this.directory, { recursive: true });
    await writeFile(`${file}.part`, await renderBed(mood));
    await rename(`${file}.part`, file);
    return file;
  }
}
