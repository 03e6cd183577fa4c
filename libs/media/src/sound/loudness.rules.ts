/** Loudness of a finished mix, LUFS integrated. */
export const TARGET_LUFS = -14;
/** Loudness to which a voice is brought before it is mixed, LUFS: above the music at 30 %, below the peak of the mix. */
export const VOICE_LUFS = -16;
/** Peak of a mix before it is encoded, dBTP. The encoder adds up to 1 dB, so the file stays below -1 dBTP. */
export const CEILING_DBTP = -2;
/** The most that a mix is amplified, dB. A quieter one stays quieter than the target, so that no noise is made loud. */
export const MAX_GAIN_DB = 20;
/** ffmpeg reports this loudness when nothing is above the gate. */
const SILENCE_LUFS = -70;
/** A mix whose loudness the limiter took this far from the target is written again with another gain, LU. */
const TOLERANCE_LU = 0.5;

/** What was measured of a sound. */
export interface Loudness {
  /** Integrated, LUFS. -70 or less: silence. */
  readonly integrated: number;
  /** True peak, dBTP. */
  readonly truePeak: number;
}

/** The filters that measure a sound and print the measurements into a file. They pass the sound on. */
export const measureFilters = (statsFile: string): string =>
  `ebur128=metadata=1:peak=true,ametadata=mode=print:file=${statsFile}`;

/** Reads what {@link measureFilters} printed. Without any measurement, the sound counts as silent. */
export function readLoudness(stats: string): Loudness {
  const last = (key: string): number => {
    const at = stats.lastIndexOf(`lavfi.r128.${key}=`);
    const value = at < 0 ? NaN : Number.parseFloat(stats.slice(at + `lavfi.r128.${key}=`.length, at + 60));
    return Number.isNaN(value) ? -Infinity : value;
  };
  const peaks = [last('true_peaks_ch0'), last('true_peaks_ch1')];
  return { integrated: last('I'), truePeak: 20 * Math.log10(Math.max(0, ...peaks)) };
}

/** The gain that brings a sound to a loudness, dB. 0 for silence; at most {@link MAX_GAIN_DB}. */
export function gainFor({ integrated }: Loudness, target: number): number {
  if (!(integrated > SILENCE_LUFS)) return 0;
  return Math.min(MAX_GAIN_DB, target - integrated);
}

/** Whether a sound would exceed the ceiling after a gain in dB. */
export const needsLimit = ({ truePeak }: Loudness, gainDb: number): boolean => truePeak + gainDb > CEILING_DBTP;

/**
 * The next gain after a limited mix was measured, dB. Undefined: it is close enough to the target, or as loud as the bound
 * {@link MAX_GAIN_DB} permits.
 */
export function correctedGain(gainDb: number, limited: Loudness): number | undefined {
  const missing = TARGET_LUFS - limited.integrated;
  if (!(limited.integrated > SILENCE_LUFS) || missing <= TOLERANCE_LU) return undefined;
  const next = Math.min(MAX_GAIN_DB, gainDb + missing);
  return next - gainDb < TOLERANCE_LU / 2 ? undefined : next;
}
