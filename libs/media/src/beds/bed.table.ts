import { type MusicMood } from '@clipmesh/contracts';

/** Semitones of a chord above its root. */
export const CHORDS = {
  maj: [0, 4, 7, 12],
  min: [0, 3, 7, 12],
  add9: [0, 4, 7, 14],
  min9: [0, 3, 7, 14],
  maj7: [0, 4, 7, 11],
  min7: [0, 3, 7, 10],
  dom7: [0, 4, 7, 10],
  sus2: [0, 2, 7, 12],
} as const satisfies Readonly<Record<string, readonly number[]>>;
export type Tone = 'pad' | 'strings' | 'keys' | 'pluck' | 'bell' | 'mallet' | 'bass' | 'staccato';
export type Drum = 'kick' | 'snare' | 'clap' | 'hat' | 'shaker' | 'taiko' | 'block' | 'tick';

/** A voice of the bed. Patterns have 16 steps a bar: `.` is a rest, a digit is a tone of the chord, counted on into higher octaves. */
export interface Part {
  readonly tone: Tone;
  readonly pattern: string;
  /** Octaves above the root of the key. */
  readonly octave: number;
  /** Length of a note, steps. */
  readonly steps: number;
  readonly level: number;
  /** -1: left, 1: right. */
  readonly pan: number;
  /** First of the eight bars in which it plays. Default: 0. */
  readonly from?: number;
  /** Whether every tone of the chord sounds at each step of the pattern. Default: false. */
  readonly isChord?: boolean;
}
/** Drums: `x` is a stroke, `o` a soft one. */
export interface Beat {
  readonly drum: Drum;
  readonly pattern: string;
  readonly level: number;
  readonly pan: number;
  readonly from?: number;
  /** The pattern of the last bar. Default: that of the others. */
  readonly fill?: string;
}
export interface Bed {
  readonly beatsPerMinute: number;
  /** Frequency of the root of the key, octave 0, hertz. */
  readonly root: number;
  /** Semitones of each bar's chord above the key, with its kind. Four bars, played twice. */
  readonly chords: readonly (readonly [number, keyof typeof CHORDS])[];
  /** How much later every second step is, as a share of a step. */
  readonly swing: number;
  /** Share of the sound that goes into the room. */
  readonly room: number;
  /** How far a kick lowers pads and keys, 0-1. */
  readonly pump: number;
  readonly parts: readonly Part[];
  readonly beats: readonly Beat[];
}

const CHORD = '0...............';

/** The music beds, one for each mood. All of this is ours, so a video that uses it owes nobody a royalty. */
export const BEDS: Readonly<Record<MusicMood, Bed>> = {
  upbeat: {
    beatsPerMinute: 118,
    root: 65.406,
    chords: [
      [0, 'add9'],
      [7, 'maj'],
      [9, 'min7'],
      [5, 'add9'],
    ],
    swing: 0,
    room: 0.16,
    pump: 0.55,
    parts: [
      { tone: 'pad', pattern: CHORD, octave: 2, steps: 16, level: 0.1, pan: 0, isChord: true },
      { tone: 'bass', pattern: '0.0.0.0.0.0.4.0.', octave: 0, steps: 1.7, level: 0.42, pan: 0 },
      { tone: 'pluck', pattern: '0.2.1.3.2.4.3.1.', octave: 3, steps: 3, level: 0.2, pan: -0.35 },
      { tone: 'pluck', pattern: '..5...4...6...5.', octave: 3, steps: 4, level: 0.13, pan: 0.45, from: 2 },
      { tone: 'bell', pattern: '6.....5...4...5.', octave: 3, steps: 6, level: 0.1, pan: 0.2, from: 4 },
    ],
    beats: [
      { drum: 'kick', pattern: 'x...x...x...x...', level: 0.85, pan: 0 },
      { drum: 'clap', pattern: '....x.......x...', level: 0.36, pan: 0.05, fill: '....x.......x.xx' },
      { drum: 'hat', pattern: '..x...x...x...x.', level: 0.2, pan: 0.2 },
      { drum: 'shaker', pattern: 'o.xoo.xoo.xoo.xo', level: 0.1, pan: -0.3, from: 2 },
    ],
  },
  warm: {
    beatsPerMinute: 88,
    root: 48.999,
    chords: [
      [0, 'maj7'],
      [9, 'min7'],
      [5, 'maj7'],
      [7, 'sus2'],
    ],
    swing: 0.22,
    room: 0.22,
    pump: 0.15,
    parts: [
      { tone: 'keys', pattern: '0.....0...0.....', octave: 2, steps: 6, level: 0.15, pan: -0.1, isChord: true },
      { tone: 'pad', pattern: CHORD, octave: 2, steps: 16, level: 0.06, pan: 0, isChord: true },
      { tone: 'bass', pattern: '0.....0...2...0.', octave: 0, steps: 4, level: 0.45, pan: 0 },
      { tone: 'keys', pattern: '....4..3....5...', octave: 3, steps: 5, level: 0.14, pan: 0.3, from: 2 },
      { tone: 'bell', pattern: '......6.....4...', octave: 3, steps: 8, level: 0.06, pan: -0.4, from: 4 },
    ],
    beats: [
      { drum: 'kick', pattern: 'x.........x.....', level: 0.6, pan: 0 },
      { drum: 'snare', pattern: '....o.......o...', level: 0.22, pan: 0.05, fill: '....o.......o..o' },
      { drum: 'shaker', pattern: 'x.o.x.o.x.o.x.o.', level: 0.12, pan: 0.35 },
    ],
  },
  calm: {
    beatsPerMinute: 70,
    root: 73.416,
    chords: [
      [0, 'maj7'],
      [9, 'min7'],
      [5, 'maj7'],
      [7, 'sus2'],
    ],
    swing: 0,
    room: 0.4,
    pump: 0,
    parts: [
      { tone: 'pad', pattern: CHORD, octave: 1, steps: 17, level: 0.14, pan: 0, isChord: true },
      { tone: 'strings', pattern: CHORD, octave: 2, steps: 17, level: 0.05, pan: 0.2, isChord: true, from: 4 },
      { tone: 'bass', pattern: '0...............', octave: 0, steps: 14, level: 0.3, pan: 0 },
      { tone: 'bell', pattern: '0...2...3...1...', octave: 3, steps: 8, level: 0.13, pan: -0.3 },
      { tone: 'bell', pattern: '......5.....4...', octave: 3, steps: 8, level: 0.08, pan: 0.4, from: 2 },
    ],
    beats: [{ drum: 'shaker', pattern: '....o.......o...', level: 0.05, pan: 0.3, from: 4 }],
  },
  epic: {
    beatsPerMinute: 96,
    root: 73.416,
    chords: [
      [0, 'min'],
      [-4, 'maj'],
      [3, 'maj'],
      [-2, 'sus2'],
    ],
    swing: 0,
    room: 0.32,
    pump: 0.1,
    parts: [
      { tone: 'strings', pattern: CHORD, octave: 1, steps: 16, level: 0.1, pan: -0.15, isChord: true },
      { tone: 'bass', pattern: '0.......0.......', octave: 0, steps: 7, level: 0.42, pan: 0 },
      { tone: 'staccato', pattern: '0.0020.00.0020.0', octave: 2, steps: 1.4, level: 0.17, pan: 0.3 },
      { tone: 'staccato', pattern: '2.2232.22.2232.2', octave: 2, steps: 1.4, level: 0.12, pan: -0.35, from: 2 },
      { tone: 'strings', pattern: '4.......5...6...', octave: 2, steps: 8, level: 0.12, pan: 0.1, from: 4 },
    ],
    beats: [
      { drum: 'taiko', pattern: 'x.....o.x...o...', level: 0.85, pan: -0.1, fill: 'x.o.x.o.x.x.x.xx' },
      { drum: 'taiko', pattern: '......x.......xo', level: 0.5, pan: 0.3, from: 2 },
      { drum: 'snare', pattern: '....x.......x...', level: 0.3, pan: 0, from: 4, fill: '....x...x.x.xxxx' },
    ],
  },
  tense: {
    beatsPerMinute: 92,
    root: 82.407,
    chords: [
      [0, 'min9'],
      [-4, 'maj7'],
      [1, 'maj7'],
      [-5, 'dom7'],
    ],
    swing: 0,
    room: 0.28,
    pump: 0,
    parts: [
      { tone: 'pad', pattern: CHORD, octave: 1, steps: 16, level: 0.09, pan: 0, isChord: true },
      { tone: 'bass', pattern: '0.000.000.000.00', octave: 0, steps: 0.9, level: 0.4, pan: 0 },
      { tone: 'strings', pattern: CHORD, octave: 3, steps: 16, level: 0.05, pan: -0.2, from: 2 },
      { tone: 'pluck', pattern: '3..2..1...3..2..', octave: 2, steps: 4, level: 0.14, pan: 0.35 },
      { tone: 'staccato', pattern: '0.1.0.1.0.1.0.1.', octave: 3, steps: 1, level: 0.07, pan: -0.4, from: 4 },
    ],
    beats: [
      { drum: 'tick', pattern: 'x.o.x.o.x.o.x.o.', level: 0.2, pan: 0.25 },
      { drum: 'taiko', pattern: 'x...............', level: 0.8, pan: 0, fill: 'x.......x...x.xx' },
      { drum: 'kick', pattern: 'x..x......x.....', level: 0.6, pan: 0, from: 4 },
    ],
  },
  playful: {
    beatsPerMinute: 112,
    root: 43.654,
    chords: [
      [0, 'maj'],
      [9, 'min7'],
      [2, 'min7'],
      [7, 'dom7'],
    ],
    swing: 0.3,
    room: 0.14,
    pump: 0,
    parts: [
      { tone: 'bass', pattern: '0...2...0...2.1.', octave: 1, steps: 2, level: 0.42, pan: 0 },
      { tone: 'pluck', pattern: '..0...0...0...0.', octave: 3, steps: 1.5, level: 0.12, pan: -0.3, isChord: true },
      { tone: 'mallet', pattern: '4..3.4..5.4.3...', octave: 3, steps: 3, level: 0.28, pan: 0.2 },
      { tone: 'mallet', pattern: '........7.6.5.4.', octave: 3, steps: 3, level: 0.18, pan: 0.45, from: 4 },
      { tone: 'bell', pattern: '6...........4...', octave: 3, steps: 5, level: 0.06, pan: -0.4, from: 4 },
    ],
    beats: [
      { drum: 'kick', pattern: 'x.......x.......', level: 0.6, pan: 0 },
      { drum: 'snare', pattern: '....o.......o..o', level: 0.26, pan: 0.1, fill: '....o.o.o.o.oooo' },
      { drum: 'block', pattern: '......x.......x.', level: 0.2, pan: -0.45 },
      { drum: 'shaker', pattern: 'x.o.x.o.x.o.x.o.', level: 0.1, pan: 0.4, from: 2 },
    ],
  },
};
