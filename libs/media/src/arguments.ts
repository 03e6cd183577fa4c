import { type EncodeProfile, type OverlayText } from '@clipmesh/contracts';
import { type TextLayout } from './text.layout.js';

/** A value inside a filter: quoted so that no character of a path means anything to the filter parser. */
export function quote(value: string): string {
  return `'${value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", String.raw`'\\\''`)
    .replaceAll(':', String.raw`\:`)}'`;
}

export interface TextFile {
  readonly path: string;
  readonly line: number;
}

/** Seconds that a text takes to appear. */
const APPEAR_SECONDS = 0.5;
const LINE_HEIGHT = 1.25;
const MARGIN = 0.08;

/** One drawtext per line; the text itself is in a file and never part of the filter. */
export function textFilters(
  overlay: OverlayText,
  layout: TextLayout,
  files: readonly TextFile[],
  fontFile: string,
  height: number,
): string[] {
  const lineHeight = Math.round(layout.sizePx * LINE_HEIGHT);
  const block = lineHeight * layout.lines.length;
  const top = { top: height * MARGIN, center: (height - block) / 2, bottom: height * (1 - MARGIN) - block }[
    overlay.position
  ];
  return files.map(({ path, line }) => {
    const y = Math.max(0, Math.round(top)) + line * lineHeight;
    const options = [
      `fontfile=${quote(fontFile)}`,
      `textfile=${quote(path)}`,
      'expansion=none',
      `fontsize=${layout.sizePx}`,
      `fontcolor=${overlay.color.replace('#', '0x')}`,
      'x=(w-text_w)/2',
      overlay.animation === 'slide' ? `y='${y}+${Math.round(height * 0.08)}*max(0,1-t/${APPEAR_SECONDS})'` : `y=${y}`,
      ...(overlay.animation === 'none' ? [] : [`alpha='min(1,t/${APPEAR_SECONDS})'`]),
      ...(overlay.shadow
        ? [
            'shadowcolor=black@0.7',
            `shadowx=${Math.max(1, Math.round(layout.sizePx / 18))}`,
            `shadowy=${Math.max(1, Math.round(layout.sizePx / 18))}`,
          ]
        : []),
    ];
    return `drawtext=${options.join(':')}`;
  });
}

/** Decode, fill the frame, text, and exactly `durationSeconds`: a short clip stands still at its end, a long one is cut. */
export function pictureFilter(profile: EncodeProfile, durationSeconds: number, text: readonly string[]): string {
  const { width, height, fps } = profile;
  return [
    `scale=${width}:${height}:force_original_aspect_ratio=increase`,
    `crop=${width}:${height}`,
    'setsar=1',
    `fps=${fps}`,
    `tpad=stop_mode=clone:stop_duration=${durationSeconds}`,
    `trim=end_frame=${durationSeconds * fps}`,
    'setpts=PTS-STARTPTS',
    ...text,
    'format=yuv420p',
  ].join(',');
}

export function encodeOptions(
  profile: EncodeProfile,
  encoder: { preset: string; crf: number; threads: number },
): string[] {
  return [
    ...['-c:v', 'libx264', '-preset', encoder.preset, '-crf', String(encoder.crf), '-threads', String(encoder.threads)],
    ...['-g', String(profile.fps * 2), '-flags', '+cgop', '-pix_fmt', 'yuv420p', '-video_track_timescale', '24000'],
  ];
}

/** The list that the concat demuxer reads. */
export function concatList(files: readonly { file: string; durationSeconds: number }[]): string {
  const entries = files.map(
    ({ file, durationSeconds }) => `file '${file.replaceAll("'", String.raw`'\''`)}'\nduration ${durationSeconds}`,
  );
  return `ffconcat version 1.0\n${entries.join('\n')}\n`;
}

/** Sound of the film: the clips' own, and the music bed under it, fading out over the last second. */
export function soundFilter(seconds: number, clipVolume: number, musicVolume: number | undefined): string {
  const clips = `[0:a]aresample=48000,volume=${clipVolume},apad,atrim=end=${seconds}`;
  if (musicVolume === undefined) return `${clips}[sound]`;
  const fade = Math.max(0, seconds - 1);
  return [
    `${clips}[clips]`,
    `[1:a]aresample=48000,aformat=channel_layouts=stereo,volume=${musicVolume},atrim=end=${seconds},afade=t=out:st=${fade}:d=1[bed]`,
    '[clips][bed]amix=inputs=2:duration=first:normalize=0,alimiter=limit=0.95[sound]',
  ].join(';');
}
