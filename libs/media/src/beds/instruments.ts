import { type Tone } from './bed.table.js';

// Once here: in a virtual context, as in tests, each look-up of a global takes far longer than the arithmetic.
const { PI, ceil, exp, imul, min, sin, sqrt } = Math;

export const RATE = 48_000;
const TURN = 2 * PI;

/** Pseudo-random numbers of 0-1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A sawtooth without the aliases of a naive one (PolyBLEP). `phase` and `step`: in turns. */
function saw(phase: number, step: number): number {
  const naive = 2 * phase - 1;
  if (phase < step) {
    const at = phase / step;
    return naive - (2 * at - at * at - 1);
  }
  if (phase > 1 - step) {
    const at = (phase - 1) / step;
    return naive - (at * at + 2 * at + 1);
  }
  return naive;
}

interface Timbre {
  /** Seconds until the note is at its level, and until it is silent after its end. */
  readonly attack: number;
  readonly release: number;
  /** Time in which a held note falls to a third, seconds. Infinity: it is held. */
  readonly decay: number;
  readonly kind: 'saw' | 'fm';
  /** Detuned copies, cents. */
  readonly detune: readonly number[];
  /** Low-pass at the start and in the end, hertz; `kind: fm`: the index of the modulation at the start and in the end. */
  readonly bright: readonly [number, number];
  /** Frequency of the modulator as a multiple of the note's. */
  readonly ratio: number;
}

const TIMBRES: Readonly<Record<Tone, Timbre>> = {
  pad: { attack: 0.5, release: 0.9, decay: Infinity, kind: 'saw', detune: [-9, 8], bright: [700, 1500], ratio: 1 },
  strings: {
    attack: 0.25,
    release: 0.6,
    decay: Infinity,
    kind: 'saw',
    detune: [-7, 6],
    bright: [1400, 2600],
    ratio: 1,
  },
  staccato: { attack: 0.008, release: 0.12, decay: 0.25, kind: 'saw', detune: [-5, 5], bright: [3800, 1200], ratio: 1 },
  pluck: { attack: 0.003, release: 0.25, decay: 0.22, kind: 'saw', detune: [-4, 4], bright: [5200, 600], ratio: 1 },
  bass: { attack: 0.006, release: 0.06, decay: 1.1, kind: 'saw', detune: [0], bright: [900, 240], ratio: 1 },
  keys: { attack: 0.004, release: 0.35, decay: 1.2, kind: 'fm', detune: [0], bright: [1.3, 0.15], ratio: 1 },
  bell: { attack: 0.002, release: 1.2, decay: 0.9, kind: 'fm', detune: [0], bright: [1.1, 0.05], ratio: 3.5 },
  mallet: { attack: 0.002, release: 0.2, decay: 0.16, kind: 'fm', detune: [0], bright: [0.9, 0], ratio: 4 },
};

export interface Note {
  readonly tone: Tone;
  readonly hertz: number;
  /** Seconds until the note is released. */
  readonly seconds: number;
}

/** The samples of one note, with its release. */
export function playNote({ tone, hertz, seconds }: Note): Float32Array {
  const timbre = TIMBRES[tone];
  const samples = new Float32Array(ceil((seconds + timbre.release) * RATE));
  return timbre.kind === 'fm' ? playFm(samples, timbre, hertz, seconds) : playSaw(samples, timbre, hertz, seconds);
}

/** The level of a note after `at` seconds. */
function envelope({ attack, release, decay }: Timbre, at: number, seconds: number): number {
  const rise = min(1, at / attack);
  const held = decay === Infinity ? 1 : exp(-at / decay);
  if (at <= seconds) return rise * held;
  const left = 1 - (at - seconds) / release;
  return rise * held * left * left;
}

function playFm(samples: Float32Array, timbre: Timbre, hertz: number, seconds: number): Float32Array {
  const [start, end] = timbre.bright;
  const step = (TURN * hertz) / RATE;
  for (let index = 0; index < samples.length; index += 1) {
    const at = index / RATE;
    const depth = end + (start - end) * exp(-at * 6);
    const phase = step * index;
    samples[index] = sin(phase + depth * sin(timbre.ratio * phase)) * envelope(timbre, at, seconds);
  }
  return samples;
}

function playSaw(samples: Float32Array, timbre: Timbre, hertz: number, seconds: number): Float32Array {
  const voices = timbre.detune.map((cents, index) => ({
    phase: (index * 0.37) % 1,
    step: (hertz * 2 ** (cents / 1200)) / RATE,
  }));
  const [start, end] = timbre.bright;
  const level = 1 / sqrt(voices.length);
  let [first, second] = [0, 0];
  let pass = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const at = index / RATE;
    // The filter moves slowly, so it need not be computed for every sample.
    if (index % 32 === 0) {
      const share = timbre.attack > 0.1 ? min(1, at / seconds) : 1 - exp(-at * 7);
      pass = 1 - exp((-TURN * (start + (end - start) * share)) / RATE);
    }
    let sum = 0;
    for (const voice of voices) {
      sum += saw(voice.phase, voice.step);
      voice.phase += voice.step;
      if (voice.phase >= 1) voice.phase -= 1;
    }
    first += pass * (sum * level - first);
    second += pass * (first - second);
    samples[index] = second * envelope(timbre, at, seconds);
  }
  return samples;
}
