import { copyFile, readFile, stat } from 'node:fs/promises';
import { ClipmeshError, type EncodeProfile } from '@clipmesh/contracts';
import { type ThumbnailFigures } from '../commands/media.types.js';
import { bestThumbnail, candidateFiles, readLuma } from './thumbnail.args.js';

/** Copies the best of the candidates in `dir` to `output`. Resolves with its figures. Throws `FFMPEG_FAILED` without any. */
export async function takeBest(
  dir: string,
  { width, height }: EncodeProfile,
  output: string,
): Promise<ThumbnailFigures> {
  const { figures, picture } = candidateFiles(dir);
  const measured = readLuma(await readFile(figures, 'utf8'));
  const candidates = await Promise.all(
    measured.map(async ({ luma, contrast }, index) => {
      const file = picture(index + 1);
      return { file, luma, contrast, detail: (await stat(file)).size / (width * height) };
    }),
  );
  const best = bestThumbnail(candidates);
  if (best === undefined) throw new ClipmeshError('FFMPEG_FAILED', 'ffmpeg measured no picture of the scene');
  const { file, ...chosen } = best;
  await copyFile(file, output);
  return chosen;
}
