import { type Drum } from './bed.table.js';
import { randomOf, RATE } from './instruments.js';

const { PI, exp, max, min, round, sin } = Math;

const TURN = 2 * PI;
const SEED = 20_260;

/** A drum skin whose pitch falls. */
function skin(seconds: number, from: number, to: number, fall: number, decay: number): Float32Array {
  const samples = new Float32Array(round(seconds * RATE));
  let phase = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const at = index / RATE;
    phase += (TURN * (to + (from - to) * exp(-at * fall))) / RATE;
    samples[index] = sin(phase) * exp(-at * decay) * min(1, at * 2000);
  }
  return samples;
}

/** Noise between a high-pass and a low-pass frequency. */
function noise(seconds: number, high: number, low: number, decay: number): Float32Array {
  const random = randomOf(SEED);
  const samples = new Float32Array(round(seconds * RATE));
  const [up, down] = [1 - exp((-TURN * high) / RATE), 1 - exp((-TURN * low) / RATE)];
  let [slow, smooth] = [0, 0];
  for (let index = 0; index < samples.length; index += 1) {
    const value = 2 * random() - 1;
    slow += up * (value - slow);
    smooth += down * (value - slow - smooth);
    samples[index] = smooth * exp((-index / RATE) * decay) * min(1, index / 48);
  }
  return samples;
}

function mixOf(...sounds: readonly (readonly [Float32Array, number])[]): Float32Array {
  const mixed = new Float32Array(max(...sounds.map(([sound]) => sound.length)));
  for (const [sound, level] of sounds)
    for (let index = 0; index < sound.length; index += 1)
      mixed[index] = (mixed[index] ?? 0) + (sound[index] ?? 0) * level;
  return mixed;
}

const DRUMS: Readonly<Record<Drum, () => Float32Array>> = {
  kick: () => mixOf([skin(0.35, 170, 48, 32, 11), 1], [noise(0.02, 900, 6000, 180), 0.25]),
  snare: () => mixOf([noise(0.28, 1200, 9000, 17), 0.9], [skin(0.14, 260, 185, 30, 26), 0.5]),
  clap: () => mixOf([noise(0.25, 900, 5200, 20), 1], [noise(0.03, 1400, 5000, 90), 0.7]),
  hat: () => noise(0.08, 7000, 14_000, 60),
  shaker: () => noise(0.11, 4200, 11_000, 36),
  taiko: () => mixOf([skin(0.9, 130, 62, 14, 5), 1], [noise(0.12, 120, 1400, 34), 0.6]),
  block: () => mixOf([skin(0.09, 1250, 1150, 60, 55), 0.8], [noise(0.01, 2000, 8000, 300), 0.3]),
  tick: () => noise(0.035, 5200, 12_000, 110),
};

/** The samples of one stroke. */
export const playDrum = (drum: Drum): Float32Array => DRUMS[drum]();
