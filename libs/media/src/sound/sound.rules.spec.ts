import { describe, expect, it } from '@jest/globals';
import { correctedGain, gainFor, MAX_GAIN_DB, needsLimit, readLoudness } from './loudness.rules.js';
import { masterCall, mixCall } from './mix.args.js';

const loudness = (integrated: number, truePeak = -20) => ({ integrated, truePeak });

describe('loudness', () => {
  it('reads the last measurement, with the higher peak of the two channels', () => {
    const frame = (i: string, left: string, right: string): string =>
      `frame:1\nlavfi.r128.I=${i}\nlavfi.r128.true_peaks_ch0=${left}\nlavfi.r128.true_peaks_ch1=${right}\n`;
    const { integrated, truePeak } = readLoudness(frame('-70.000', '0.1', '0.1') + frame('-23.5', '0.500', '0.250'));
    expect(integrated).toBe(-23.5);
    expect(truePeak).toBeCloseTo(-6.02, 2);
    expect(readLoudness('')).toEqual({ integrated: -Infinity, truePeak: -Infinity });
  });
  it.each([
    ['louder than the target', -9, -5],
    ['quieter', -20, 6],
    ['much quieter', -60, MAX_GAIN_DB],
    ['silent', -70, 0],
    ['digital silence', -Infinity, 0],
  ])('brings a sound to the target: %s', (_name, integrated, gain) => {
    expect(gainFor(loudness(integrated), -14)).toBe(gain);
  });
  it('limits only what would exceed the ceiling', () => {
    expect(needsLimit(loudness(-20, -9), 6)).toBe(false);
    expect(needsLimit(loudness(-20, -7), 6)).toBe(true);
  });
  it.each([
    ['close enough', 6, -14.4, undefined],
    ['too loud is left: the limiter only lowers', 6, -13, undefined],
    ['lowered by the limiter', 6, -16, 8],
    ['at the bound', MAX_GAIN_DB, -18, undefined],
    ['up to the bound', MAX_GAIN_DB - 1, -18, MAX_GAIN_DB],
    ['silent', 0, -70, undefined],
  ])('corrects the gain of a limited mix: %s', (_name, gain, integrated, next) => {
    expect(correctedGain(gain, loudness(integrated))).toBe(next);
  });
});

describe('mix calls', () => {
  const files = { raw: '/mix.f32', stats: '/mix.txt' };
  const scenes = [
    { file: '/a.mov', durationSeconds: 2 },
    { file: '/b.mov', durationSeconds: 1 },
  ];
  const graphOf = (options: readonly string[]): string => options[options.indexOf('-filter_complex') + 1] ?? '';

  it('reads each input once, in the order of its numbers in the graph', () => {
    const music = { file: '/music.f32', samples: 1000, volume: 0.3, seamless: true };
    const voice = { file: '/voice.f32', gainDb: 3 };
    const all = mixCall({ scenes, clipVolume: 0.6 }, { music, voice }, files, 1);
    expect(all.inputs.map(({ file }) => file)).toEqual(['/a.mov', '/b.mov', '/music.f32', '/voice.f32']);
    expect(graphOf(all.options)).toMatch(/\[2:a:0\].*\[music\].*\[3:a:0\]volume=3.00dB\[voice\]/);
    const dropped = mixCall({ scenes, clipVolume: 0 }, { music, voice }, files, 1);
    expect(dropped.inputs.map(({ file }) => file)).toEqual(['/music.f32', '/voice.f32']);
    expect(graphOf(dropped.options)).toMatch(/anullsrc.*atrim=end_sample=144000/);
  });
  it('encodes once, and limits only when it measures', () => {
    const mix = { raw: '/mix.f32', samples: 144_000, gainDb: 2 };
    for (const call of [masterCall(mix, '/a.m4a', 1), masterCall({ ...mix, stats: '/m.txt' }, '/a.m4a', 1)])
      expect(call.options.join(' ').match(/-c:a aac/g)).toHaveLength(1);
    expect(graphOf(masterCall(mix, '/a.m4a', 1).options)).not.toContain('alimiter');
    expect(graphOf(masterCall({ ...mix, stats: '/m.txt' }, '/a.m4a', 1).options)).toContain('latency=1');
  });
});
