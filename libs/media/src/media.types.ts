import { type EncodeProfile, type OverlayText } from '@clipmesh/contracts';

export interface MediaOptions {
  readonly ffmpegPath?: string;
  readonly ffprobePath?: string;
  /** Threads of one ffmpeg process. */
  readonly threads: number;
  /** A process that makes no progress for this long is killed. */
  readonly idleTimeoutMs: number;
  /** Where lists and text files live while a process runs. */
  readonly tempDir: string;
  /** Each text is drawn with the one that has most of its characters, the first of equals; DejaVu Sans Bold comes last. */
  readonly fontFiles?: readonly string[];
  /** x264 preset; `veryfast` unless told. */
  readonly preset?: string;
  /** x264 quality; 20 unless told. */
  readonly crf?: number;
  /** Most processes of this Media at once; others wait for their turn. */
  readonly maxProcesses: number;
}
export interface RunContext {
  /** Aborting kills the process and rejects with `CANCELED`. */
  readonly signal: AbortSignal;
  /** Called when a process gets its turn; aborting what it returns ends that process like `signal`. Default: none. */
  readonly runSignal?: () => AbortSignal;
  /** 0-1 */
  readonly onProgress?: (fraction: number) => void;
}
export interface ClipRules {
  /** The length that was asked for. */
  readonly durationSeconds: number;
  /** A clip of less than this share of that length is none, 0-1. */
  readonly minShare: number;
  /** A longer clip is none. */
  readonly maxSeconds: number;
}
/** What a clip turned out to be. */
export interface ClipFacts {
  /** By its container. */
  readonly contentType: string;
  readonly durationSeconds: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}
export interface SoundRules {
  /** Shorter sound is none. */
  readonly minSeconds: number;
}
export interface OverlayInput {
  readonly file: string;
  /** `.mov` */
  readonly output: string;
  readonly durationSeconds: number;
  readonly profile: EncodeProfile;
  readonly overlay?: OverlayText;
}
export interface OverlayDone {
  /** Characters of the text that no font has: they were left out. */
  readonly lost: readonly string[];
}
export interface JoinInput {
  readonly clips: readonly { readonly file: string; readonly durationSeconds: number }[];
  /** `.mp4` */
  readonly output: string;
  readonly music?: { readonly file: string; readonly volume: number };
  /** 0.6 with music, else 1, unless told. */
  readonly clipVolume?: number;
}
export interface RenderInput {
  /** `.mp4` */
  readonly output: string;
  readonly seed: number;
  readonly label: string;
  readonly durationSeconds: number;
  readonly width: number;
  readonly height: number;
  /** A JPEG or PNG that fills the frame behind the moving shape; a gradient without it. */
  readonly picture?: string;
}
/** One ffmpeg call as data: inputs with their options, then output options and the file. */
export interface FfmpegCall {
  readonly inputs: readonly { readonly file: string; readonly options: readonly string[] }[];
  readonly options: readonly string[];
  /** The file to write, which a failure removes; `-` for none. */
  readonly output: string;
}
