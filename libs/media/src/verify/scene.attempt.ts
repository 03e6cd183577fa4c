import { type SourcePicture, type SourceStream } from '../commands/scene.source.js';
import { decodeErrors } from '../ffmpeg/decode.errors.js';
import { ProcessError } from '../ffmpeg/process.outcome.js';
import { type Probe } from './probe.parse.js';
import { invalid } from './verify.js';

/** The streams of a clip that become a scene. */
export interface SceneStreams {
  readonly video: SourcePicture;
  readonly audio: SourceStream | undefined;
}
/** Makes the scene of these streams. `onLog` receives the log of ffmpeg. */
export type RunScene = (streams: SceneStreams, onLog: (text: string) => void) => Promise<void>;

const SILENT = 'ffmpeg cannot decode the sound of the clip; the scene is silent';

/** ffmpeg knows no codec, or not enough about it to begin. */
const isUnknown = ({ codec, sampleRate, channels }: NonNullable<Probe['audio']>): boolean =>
  codec === 'unknown' || sampleRate <= 0 || channels <= 0;

/**
 * Makes a scene of a clip, and again without the sound when it cannot be made with it. Resolves with what the viewer will miss. Throws
 * `MEDIA_INVALID` when pictures cannot be decoded or are damaged, and the failures of `run`.
 */
export async function makeScene(
  { video, audio }: { readonly video: SourcePicture; readonly audio: Probe['audio'] },
  run: RunScene,
): Promise<string[]> {
  const attempt = async (used: Probe['audio']): Promise<string[]> => {
    const errors = decodeErrors({ video: video.index, audio: used?.index });
    await run({ video, audio: used }, errors.read);
    const { picture, sound } = errors.count();
    if (picture > 0) throw invalid(`its pictures are damaged: ffmpeg reports ${picture} errors`);
    return sound > 0 ? [`the sound of the clip is damaged: ffmpeg reports ${sound} errors`] : [];
  };
  const silently = async (): Promise<string[]> => [...(await attempt(undefined)), SILENT];
  if (audio === undefined) return attempt(undefined);
  if (isUnknown(audio)) return silently();
  try {
    return await attempt(audio);
  } catch (error) {
    // Only a failure of ffmpeg that the file may have caused can be one of its sound.
    const isOfFile = error instanceof ProcessError && !error.isSystemFailure;
    if (!isOfFile || (error.code !== 'MEDIA_INVALID' && error.code !== 'FFMPEG_FAILED')) throw error;
    return silently();
  }
}
