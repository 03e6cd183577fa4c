import { type EncodeProfile } from '@clipmesh/contracts';
import { type FfmpegCall, type ThumbnailFigures } from '../commands/media.types.js';
import { filterValue } from '../commands/command.args.js';

/** How many frames of a scene are measured, and the condition that selects them: the middle of each second, at least one. */
export function candidateFrames(durationSeconds: number, fps: number): { count: number; condition: string } {
  const middle = Math.floor(fps / 2);
  const last = Math.max(0, Math.round(durationSeconds * fps) - 1);
  return {
    count: Math.max(1, Math.floor(durationSeconds)),
    condition: last < middle ? `eq(n,${last})` : `eq(mod(n,${fps}),${middle})`,
  };
}

/** A JPEG has the colour matrix of BT.601 and the full range; a scene has BT.709 and the limited range. */
const JPEG_PICTURE = 'scale=in_color_matrix=bt709:in_range=limited:out_color_matrix=bt601:out_range=full';
const JPEG = ['-c:v', 'mjpeg', '-q:v', '3', '-threads', '1'] as const;

/** Where {@link candidateOutput} writes: its figures, and its JPEGs, numbered from 1. */
export interface CandidateFiles {
  readonly figures: string;
  readonly picture: (number: number) => string;
}

/** The files of the candidates in a folder. */
export const candidateFiles = (dir: string): CandidateFiles => ({
  figures: `${dir}/candidates.txt`,
  picture: (number) => `${dir}/candidate-${number}.jpg`,
});

/** Filters and output that measure the candidates in the decode of the overlay. The filters turn `[v]` into `[c]`. */
export function candidateOutput(
  dir: string,
  durationSeconds: number,
  { fps }: Pick<EncodeProfile, 'fps'>,
): { readonly filters: string; readonly output: NonNullable<FfmpegCall['also']> } {
  const { count, condition } = candidateFrames(durationSeconds, fps);
  const select = `select='${condition}'`;
  const print = `metadata=mode=print:file=${filterValue(candidateFiles(dir).figures)}`;
  return {
    filters: [select, 'signalstats', print, JPEG_PICTURE, 'format=yuvj420p'].join(','),
    output: {
      // Passed through: image2 would repeat each frame until the next one.
      options: [
        ...['-map', '[c]', '-fps_mode', 'passthrough', '-frames:v', String(count)],
        ...[...JPEG, '-f', 'image2'],
      ],
      // The folder is an own temporary one, so its name has no per cent sign.
      output: `${dir}/candidate-%d.jpg`,
    },
  };
}

/** The luma of each measured frame, in order, from the output of `metadata=print`. */
export function readLuma(figures: string): Pick<ThumbnailFigures, 'luma' | 'contrast'>[] {
  return figures
    .split(/^frame:/mu)
    .slice(1)
    .map((frame) => {
      const value = (name: string): number =>
        Number(new RegExp(`signalstats\\.${name}=([\\d.]+)`, 'u').exec(frame)?.[1] ?? 0);
      return { luma: value('YAVG'), contrast: Math.max(0, value('YHIGH') - value('YLOW')) };
    });
}

/** Luma at which a picture is too dark, well exposed from and to, and too bright. */
const EXPOSURE = { black: 16, from: 80, to: 170, white: 235 } as const;
/** Bytes per pixel from which more detail makes no better thumbnail. */
const MUCH_DETAIL = 0.15;

/** How good a picture is as a thumbnail: 0 for black and for white, more for contrast and detail. */
export function thumbnailScore({ luma, contrast, detail }: ThumbnailFigures): number {
  const { black, from, to, white } = EXPOSURE;
  const exposure = Math.max(0, Math.min(1, (luma - black) / (from - black), (white - luma) / (white - to)));
  return exposure * (0.25 + Math.min(1, contrast / 219)) * (0.25 + Math.min(1, detail / MUCH_DETAIL));
}

/** The best of the candidates; the first one when several are equal. Undefined: there are none. */
export function bestThumbnail<T extends ThumbnailFigures>(candidates: readonly T[]): T | undefined {
  return candidates.reduce<T | undefined>(
    (best, one) => (best === undefined || thumbnailScore(one) > thumbnailScore(best) ? one : best),
    undefined,
  );
}

/** Writes the frame of a scene at `second` as a JPEG. */
export function frameCall(scene: string, second: number, output: string): FfmpegCall {
  return {
    inputs: [{ file: scene, options: ['-ss', second.toFixed(3)] }],
    options: [
      ...['-map', '0:v:0', '-vf', `${JPEG_PICTURE},format=yuvj420p`, '-frames:v', '1'],
      ...[...JPEG, '-f', 'image2', '-update', '1'],
    ],
    output,
  };
}
