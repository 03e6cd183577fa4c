import { type EncodeProfile, transitionFrames } from '@clipmesh/contracts';
import { type JoinInput } from '../commands/media.types.js';

/** A part of a file that is copied into the video. */
export interface Segment {
  readonly file: string;
  /** First frame. */
  readonly start: number;
  /** Number of frames. */
  readonly frames: number;
}

/**
 * The parts that make up a video: each scene to its planned end, without the frames that a transition replaces, and the
 * transitions between them. Their frames sum to the planned length.
 */
export function segmentsOf(clips: JoinInput['clips'], profile: Pick<EncodeProfile, 'fps'>): Segment[] {
  const lead = transitionFrames(profile);
  return clips.flatMap(({ file, durationSeconds, transition }, index) => {
    const frames = Math.round(durationSeconds * profile.fps);
    return transition === undefined || index === 0
      ? [{ file, start: 0, frames }]
      : [
          { file: transition, start: 0, frames: lead },
          { file, start: lead, frames: frames - lead },
        ];
  });
}

/** The list for the concat demuxer. Quotes file names. */
export function segmentList(segments: readonly Segment[], { fps }: Pick<EncodeProfile, 'fps'>): string {
  const seconds = (frames: number): string => (frames / fps).toFixed(6);
  const lines = segments.flatMap(({ file, start, frames }) => [
    `file '${file.replaceAll("'", "'\\''")}'`,
    // At the start of a file no seek is needed.
    ...(start === 0 ? [] : [`inpoint ${seconds(start)}`]),
    `outpoint ${seconds(start + frames)}`,
    `duration ${seconds(frames)}`,
  ]);
  return `${['ffconcat version 1.0', ...lines].join('\n')}\n`;
}
