import { type FfmpegCall, type MixInput } from '../commands/media.types.js';
import { UNTRUSTED_INPUT } from '../commands/untrusted.input.js';
import { CEILING_DBTP, measureFilters } from './loudness.rules.js';
import {
  mixGraph,
  type MusicTrack,
  musicGraph,
  rawFilters,
  SAMPLE_RATE,
  samplesOf,
  sceneGraph,
  silenceGraph,
  voiceGraph,
} from './sound.graph.js';

/** Bytes of one sample of an intermediate file: two channels of 32-bit floats. */
export const SAMPLE_BYTES = 8;
const RAW = ['-f', 'f32le', '-ar', String(SAMPLE_RATE), '-ac', '2'];
const BARE = ['-vn', '-sn', '-dn', '-map_metadata', '-1'];
/** The limiter runs at four times the rate, so that it sees the peaks between samples. `latency` keeps the sound in step. */
const LIMITER =
  `aresample=${4 * SAMPLE_RATE},alimiter=limit=${(10 ** (CEILING_DBTP / 20)).toFixed(4)}:level=false:latency=1,` +
  `aresample=${SAMPLE_RATE}`;

/** The files of a mix. All but `output` are temporary; a `stats` file must be a value of a filter. */
export interface MixFiles {
  readonly raw: string;
  readonly stats: string;
}

const threadsOf = (threads: number): string[] => [...['-threads', '1', '-filter_complex_threads', String(threads)]];
/** Writes a graph's sound as raw samples, and its loudness. */
const measured = (graph: string, label: string, { raw, stats }: MixFiles, threads: number) => ({
  options: [
    ...['-filter_complex', `${graph};[${label}]asplit=2[out][heard];[heard]${measureFilters(stats)},anullsink`],
    ...['-map', '[out]', ...BARE, ...threadsOf(threads), '-c:a', 'pcm_f32le', ...RAW],
  ],
  output: raw,
});

/** Decodes music, at most as much as the video needs. */
export const musicCall = (file: string, samples: number, raw: string): FfmpegCall => ({
  inputs: [{ file, options: UNTRUSTED_INPUT }],
  options: [...['-map', '0:a:0', '-af', rawFilters(samples), ...BARE, '-threads', '1', '-c:a', 'pcm_f32le', ...RAW]],
  output: raw,
});

/** Places the speeches on one track and measures it. */
export const voiceCall = (
  speech: NonNullable<MixInput['speech']>,
  samples: number,
  files: MixFiles,
  threads: number,
): FfmpegCall => ({
  inputs: speech.map(({ file }) => ({ file, options: UNTRUSTED_INPUT })),
  ...measured(voiceGraph(speech, samples, 'voice'), 'voice', files, threads),
});

/** What is mixed, apart from the scenes. */
export interface MixTracks {
  readonly music?: Omit<MusicTrack, 'input'> & { readonly file: string };
  readonly voice?: { readonly file: string; readonly gainDb: number };
}

/** Mixes the sound of the scenes with music and voice, and measures it. */
export function mixCall(
  { scenes, clipVolume }: { scenes: MixInput['scenes']; clipVolume: number },
  { music, voice }: MixTracks,
  files: MixFiles,
  threads: number,
): FfmpegCall {
  const samples = scenes.reduce((sum, scene) => sum + samplesOf(scene.durationSeconds), 0);
  const inputs: FfmpegCall['inputs'][number][] =
    clipVolume === 0 ? [] : scenes.map(({ file }) => ({ file, options: [] }));
  const graphs = [clipVolume === 0 ? silenceGraph(samples, 'clips') : sceneGraph(scenes, clipVolume, 'clips')];
  const parts = ['clips'];
  if (music !== undefined) {
    graphs.push(musicGraph({ ...music, input: inputs.length }, samples, 'music'));
    parts.push('music');
    inputs.push({ file: music.file, options: RAW });
  }
  if (voice !== undefined) {
    graphs.push(`[${inputs.length}:a:0]volume=${voice.gainDb.toFixed(2)}dB[voice]`);
    inputs.push({ file: voice.file, options: RAW });
  }
  graphs.push(mixGraph(parts, voice === undefined ? undefined : 'voice', 'mix'));
  return { inputs, ...measured(graphs.join(';'), 'mix', files, threads) };
}

/** Amplifies a mix linearly, limits its true peak where that is needed, and encodes it. `stats`: measures it on the way. */
export function masterCall(
  mix: { readonly raw: string; readonly samples: number; readonly gainDb: number; readonly stats?: string },
  output: string,
  threads: number,
): FfmpegCall {
  const { raw, samples, gainDb, stats } = mix;
  const gain = `volume=${gainDb.toFixed(2)}dB`;
  const filters =
    stats === undefined
      ? `[0:a:0]${gain},atrim=end_sample=${samples}[a]`
      : `[0:a:0]${gain},${LIMITER},atrim=end_sample=${samples},asplit=2[a][heard];[heard]${measureFilters(stats)},anullsink`;
  return {
    inputs: [{ file: raw, options: RAW }],
    options: [
      ...['-filter_complex', filters, '-map', '[a]', ...BARE, ...threadsOf(threads)],
      ...['-c:a', 'aac', '-b:a', '192k', '-ar', String(SAMPLE_RATE), '-ac', '2', '-f', 'mp4'],
    ],
    output,
  };
}
