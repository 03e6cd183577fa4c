import { type Blend, type EncodeProfile, type OverlayText, type Thumbnail } from '@clipmesh/contracts';

export interface MediaOptions {
  readonly ffmpegPath?: string;
  readonly ffprobePath?: string;
  /** Threads of one ffmpeg process. */
  readonly threads: number;
  /** A process without progress for this long is killed, ms. */
  readonly idleTimeoutMs: number;
  /** Folder for temporary files of running processes. */
  readonly tempDir: string;
  /** Fonts of the operator's brand. A character is drawn with the first one that has it, else with the bundled fonts. Default: none. */
  readonly fontFiles?: readonly string[];
  /** x264 preset. Default: `veryfast`. */
  readonly preset?: string;
  /** x264 CRF. Default: 20. */
  readonly crf?: number;
  /** Maximum number of concurrent processes; further ones wait. */
  readonly maxProcesses: number;
  /** Private memory of one process, MB. A process that needs more fails with `OUT_OF_MEMORY`. Needs `prlimit`. Default: no limit. */
  readonly memoryMb?: number;
}
export interface RunContext {
  /** Aborting kills the process and rejects with `CANCELED`. */
  readonly signal: AbortSignal;
  /** Called when the process starts. Aborting the returned signal kills the process like `signal`. Default: none. */
  readonly runSignal?: () => AbortSignal;
  /** Called with the fraction that is done, 0-1. */
  readonly onProgress?: (fraction: number) => void;
}
export interface ClipRules {
  /** Requested duration. */
  readonly durationSeconds: number;
  /** Minimum share of the requested duration, 0-1. */
  readonly minShare: number;
  /** Maximum duration. */
  readonly maxSeconds: number;
}
/** The measured properties of a clip. */
export interface ClipFacts {
  /** Content type of the container. */
  readonly contentType: string;
  readonly durationSeconds: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}
export interface SoundRules {
  /** Minimum duration. */
  readonly minSeconds: number;
}
export interface SpeechRules {
  /** A shorter speech was cut off. */
  readonly minSeconds: number;
  /** A longer speech does not follow its text. */
  readonly maxSeconds: number;
}
export interface OverlayInput {
  readonly file: string;
  /** `.mov` */
  readonly output: string;
  readonly durationSeconds: number;
  readonly profile: EncodeProfile;
  readonly overlay?: OverlayText;
  /** Frames at the begin that a transition replaces: the rest can be copied apart from them. Default: 0. */
  readonly leadFrames?: number;
  /** Frames of pictures after the end, for the transition to the next scene. Default: 0. */
  readonly handleFrames?: number;
  /** Where to write the best picture of the scene for a thumbnail, a JPEG. Default: none is written. */
  readonly thumbnail?: string;
}
/** What was measured on a picture. */
export type ThumbnailFigures = Omit<Thumbnail, 'picture'>;
export interface OverlayResult {
  /** What the viewer will miss, without paths. Empty: nothing. */
  readonly warnings: readonly string[];
  /** The figures of the picture in `thumbnail`. */
  readonly thumbnail?: ThumbnailFigures;
}
export interface MixInput {
  /** The scenes in their order. Their sound fills exactly their duration. */
  readonly scenes: readonly { readonly file: string; readonly durationSeconds: number }[];
  /** Volume of the scenes' own sound, 0-1. Default: 0.6 with music or speech, else 1. */
  readonly clipVolume?: number;
  readonly music?: {
    readonly file: string;
    /** 0-1. */
    readonly volume: number;
    /** True: its end leads into its begin, so it is repeated without a cross-fade. Default: false. */
    readonly seamless?: boolean;
  };
  /** What is spoken, and when. A speech is cut at its duration. Default: nothing. */
  readonly speech?: readonly {
    readonly file: string;
    readonly startSeconds: number;
    readonly durationSeconds: number;
    /** It is played faster by this factor, 1 to 2. Default: 1. */
    readonly tempo?: number;
  }[];
  /** `.m4a` */
  readonly output: string;
}
export interface BlendInput {
  readonly kind: Blend;
  /** The earlier scene, with a handle, and its planned duration. */
  readonly from: { readonly file: string; readonly durationSeconds: number };
  readonly to: { readonly file: string };
  readonly profile: EncodeProfile;
  /** `.mov` */
  readonly output: string;
}
export interface JoinInput {
  readonly clips: readonly {
    readonly file: string;
    /** Planned duration. */
    readonly durationSeconds: number;
    /** The pictures of the transition with which it begins, a file of `blend`. Default: it begins with a cut. */
    readonly transition?: string;
  }[];
  readonly profile: Pick<EncodeProfile, 'fps'>;
  /** Sound of the video, encoded. */
  readonly audio: string;
  /** `.mp4` */
  readonly output: string;
}
export interface RenderInput {
  /** `.mp4` */
  readonly output: string;
  readonly seed: number;
  /** The prompt of the clip, which says what is drawn. */
  readonly label: string;
  readonly durationSeconds: number;
  readonly width: number;
  readonly height: number;
  /** A JPEG or PNG that is shown instead of the drawing. Default: none. */
  readonly image?: string;
  /** The clip says on its slate that it is a draft. Default: false. */
  readonly isDraft?: boolean;
}
export interface ConvertInput {
  readonly file: string;
  readonly output: string;
  readonly format: 'wav' | 'mp3' | 'opus' | 'aac' | 'flac';
}
/** One ffmpeg call as data: inputs with their options, output options, and the output file. */
export interface FfmpegCall {
  readonly inputs: readonly { readonly file: string; readonly options: readonly string[] }[];
  readonly options: readonly string[];
  /** The file to write; it is removed on failure. `-`: none. */
  readonly output: string;
  /** A second output, to a temporary folder. */
  readonly also?: { readonly options: readonly string[]; readonly output: string };
}
