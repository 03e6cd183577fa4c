import { type MixInput } from '../commands/media.types.js';

export const SAMPLE_RATE = 48_000;
/** Fade at each end of a scene's sound, of a speech and of the music, samples: 8 ms. Without it, a cut clicks. */
export const MICRO_FADE = 384;
/** The longest cross-fade at the seam of repeated music, samples: 1 s. */
const SEAM_FADE = SAMPLE_RATE;
/** The longest fade of the music at the end of the video, samples: 2 s. */
const END_FADE = 2 * SAMPLE_RATE;

/** Number of samples of a duration in seconds. */
export const samplesOf = (seconds: number): number => Math.round(seconds * SAMPLE_RATE);
const FORMAT = `aresample=${SAMPLE_RATE},aformat=sample_fmts=fltp:channel_layouts=stereo`;
const exactly = (samples: number): string => `apad=whole_len=${samples},atrim=end_sample=${samples}`;
/** Fades of the same length at both ends. */
function edges(samples: number): string {
  const fade = Math.min(MICRO_FADE, Math.floor(samples / 2));
  return `afade=t=in:ss=0:ns=${fade},afade=t=out:ss=${samples - fade}:ns=${fade}`;
}

/** The sound of the scenes in their order, each of its exact length with micro-fades. Its inputs are the first ones. */
export function sceneGraph(scenes: MixInput['scenes'], volume: number, label: string): string {
  const parts = scenes.map(({ durationSeconds }, index) => {
    const samples = samplesOf(durationSeconds);
    return `[${index}:a:0]${FORMAT},${exactly(samples)},${edges(samples)},volume=${volume}[s${index}]`;
  });
  const names = scenes.map((_scene, index) => `[s${index}]`).join('');
  return [...parts, `${names}concat=n=${scenes.length}:v=0:a=1[${label}]`].join(';');
}

/** Silence of an exact length. */
export const silenceGraph = (samples: number, label: string): string =>
  `anullsrc=r=${SAMPLE_RATE}:cl=stereo,atrim=end_sample=${samples},${FORMAT}[${label}]`;

/** The filters that turn an untrusted sound into samples of the mix, at most this many. */
export const rawFilters = (samples: number): string => `${FORMAT},atrim=end_sample=${samples}`;

export interface MusicTrack {
  /** Number of its input. */
  readonly input: number;
  /** Length of the music, samples. */
  readonly samples: number;
  readonly volume: number;
  /** True: its end leads into its begin, so it is repeated without a cross-fade. */
  readonly seamless: boolean;
}

/** The music, repeated until the video ends, with a cross-fade at each seam and a fade at the end. */
export function musicGraph(music: MusicTrack, samples: number, label: string): string {
  const end = Math.min(END_FADE, Math.floor(samples / 2));
  const last =
    `${exactly(samples)},afade=t=in:ss=0:ns=${MICRO_FADE},` +
    `afade=t=out:ss=${samples - end}:ns=${end},volume=${music.volume}[${label}]`;
  const source = `[${music.input}:a:0]${FORMAT}`;
  if (music.samples >= samples) return `${source},${last}`;
  const loop = (size: number): string => `aloop=loop=${Math.ceil(samples / size)}:size=${size}`;
  if (music.seamless) return `${source},${loop(music.samples)},${last}`;
  const fade = Math.min(SEAM_FADE, Math.floor(music.samples / 4));
  // The first pass is unchanged up to its tail; the tail is mixed into the begin of each repeat.
  const body = music.samples - fade;
  return [
    `${source},asplit=3[m0][m1][m2]`,
    `[m0]atrim=end_sample=${body}[first]`,
    `[m1]atrim=end_sample=${body},afade=t=in:ss=0:ns=${fade}:curve=qsin[head]`,
    `[m2]atrim=start_sample=${body},asetpts=PTS-STARTPTS,afade=t=out:ss=0:ns=${fade}:curve=qsin,${exactly(body)}[tail]`,
    `[head][tail]amix=inputs=2:duration=first:normalize=0,${loop(body)}[repeats]`,
    `[first][repeats]concat=n=2:v=0:a=1,${last}`,
  ].join(';');
}

/** The speeches at their starts as one track. Its inputs are the speeches. A speech ends with its time, and with the video. */
export function voiceGraph(speech: NonNullable<MixInput['speech']>, samples: number, label: string): string {
  const parts = speech.map(({ startSeconds, durationSeconds, tempo = 1 }, index) => {
    const faster = tempo === 1 ? '' : `atempo=${tempo},`;
    const length = samplesOf(durationSeconds);
    const placed = `adelay=delays=${samplesOf(startSeconds)}S:all=1,${exactly(samples)}`;
    return `[${index}:a:0]${FORMAT},${faster}${exactly(length)},${edges(length)},${placed}[p${index}]`;
  });
  const names = speech.map((_speech, index) => `[p${index}]`).join('');
  return [...parts, `${names}amix=inputs=${speech.length}:duration=longest:normalize=0[${label}]`].join(';');
}

/** Mixes what the video sounds like. The voice lowers everything else by some 10 dB while it speaks. */
export function mixGraph(parts: readonly string[], voice: string | undefined, label: string): string {
  const names = parts.map((name) => `[${name}]`).join('');
  const bed = parts.length === 1 ? `${names}anull` : `${names}amix=inputs=${parts.length}:duration=first:normalize=0`;
  if (voice === undefined) return `${bed}[${label}]`;
  return [
    `${bed}[bed]`,
    `[${voice}]asplit=2[key][spoken]`,
    '[bed][key]sidechaincompress=threshold=0.02:ratio=6:attack=15:release=350:detection=rms[ducked]',
    `[ducked][spoken]amix=inputs=2:duration=first:normalize=0[${label}]`,
  ].join(';');
}
