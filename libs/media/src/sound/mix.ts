import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FfmpegCall, type MixInput } from '../commands/media.types.js';
import { filterValue } from '../commands/command.args.js';
import {
  correctedGain,
  gainFor,
  type Loudness,
  needsLimit,
  readLoudness,
  TARGET_LUFS,
  VOICE_LUFS,
} from './loudness.rules.js';
import { masterCall, mixCall, type MixTracks, musicCall, SAMPLE_BYTES, voiceCall } from './mix.args.js';
import { samplesOf } from './sound.graph.js';

/** How often a limited mix is encoded at most. */
const MAX_MASTERS = 3;

export interface MixTools {
  /** Folder for the temporary files of this mix. */
  readonly dir: string;
  readonly threads: number;
  readonly run: (call: FfmpegCall) => Promise<void>;
}

/**
 * Writes the sound of a video as one file: decode, mix and measure, then amplify, limit and encode. The file is exactly as
 * long as the scenes. Silence stays silent.
 */
export async function mixSound(input: MixInput, tools: MixTools): Promise<void> {
  const { dir, threads, run } = tools;
  const files = (name: string) => ({ raw: join(dir, `${name}.f32`), stats: filterValue(join(dir, `${name}.txt`)) });
  const loudnessOf = async (name: string): Promise<Loudness> =>
    readLoudness(await readFile(join(dir, `${name}.txt`), 'utf8'));
  const samples = input.scenes.reduce((sum, scene) => sum + samplesOf(scene.durationSeconds), 0);
  const tracks: { -readonly [Name in keyof MixTracks]: MixTracks[Name] } = {};
  if (input.music !== undefined) {
    const { file, volume, seamless = false } = input.music;
    const { raw } = files('music');
    await run(musicCall(file, samples, raw));
    const decoded = Math.floor((await stat(raw)).size / SAMPLE_BYTES);
    if (decoded > 0) tracks.music = { file: raw, samples: decoded, volume, seamless };
  }
  if (input.speech !== undefined && input.speech.length > 0) {
    await run(voiceCall(input.speech, samples, files('voice'), threads));
    tracks.voice = { file: files('voice').raw, gainDb: gainFor(await loudnessOf('voice'), VOICE_LUFS) };
  }
  const alone = tracks.music === undefined && tracks.voice === undefined;
  const { clipVolume = alone ? 1 : 0.6 } = input;
  await run(mixCall({ scenes: input.scenes, clipVolume }, tracks, files('mix'), threads));
  const { raw } = files('mix');
  const loudness = await loudnessOf('mix');
  const gainDb = gainFor(loudness, TARGET_LUFS);
  if (!needsLimit(loudness, gainDb)) return run(masterCall({ raw, samples, gainDb }, input.output, threads));
  let next: number | undefined = gainDb;
  for (let pass = 0; pass < MAX_MASTERS && next !== undefined; pass += 1) {
    await run(masterCall({ raw, samples, gainDb: next, stats: files('master').stats }, input.output, threads));
    next = correctedGain(next, await loudnessOf('master'));
  }
}
